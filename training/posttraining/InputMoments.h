// Second moments of what a layer multiplies its weights with: the error of an
// output is a quadratic form of them in the error of a filter.
#ifndef LPGEN_TRAINING_POSTTRAINING_INPUTMOMENTS_H
#define LPGEN_TRAINING_POSTTRAINING_INPUTMOMENTS_H

#include "operators/builder/ConvGeometry.h"
#include "training/core/FloatTensor.h"
#include "training/core/StepContext.h"
#include <span>

namespace lpgen::posttraining {

/// Of the columns of x about their mean, for the first group of the layer: of
/// so many output pixels at most, spread over x.
/// [reduction, reduction]; a small multiple of the identity is added.
nn::FloatTensor columnMoments(const nn::FloatTensor &x,
                              const ConvGeometry &geometry, int64_t mostRows,
                              const nn::StepContext &context);

/// e^T M e: the variance of the output of a filter whose weights are e.
double varianceOf(std::span<const float> e, const nn::FloatTensor &moments);

} // namespace lpgen::posttraining

#endif // LPGEN_TRAINING_POSTTRAINING_INPUTMOMENTS_H
