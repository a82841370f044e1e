// The mean error that quantization leaves in an output (Nagel et al. 2019,
// arXiv 1906.04721): rounding errors of a filter add up in one direction if its
// inputs have a mean. An offset takes it out.
#ifndef LPGEN_TRAINING_POSTTRAINING_BIASCORRECTION_H
#define LPGEN_TRAINING_POSTTRAINING_BIASCORRECTION_H

#include "training/core/FloatTensor.h"
#include "training/core/StepContext.h"
#include <span>
#include <vector>

namespace lpgen::posttraining {

/// Over all dimensions but the last.
std::vector<double> channelMeans(const nn::FloatTensor &y, int64_t channels,
                                 const nn::StepContext &context);

/// offset[c] = original[c] + wanted[c] - found[c]: outputs whose means are
/// `found` get those of the float layer, `wanted`.
void correctBias(std::span<const float> original,
                 std::span<const double> wanted, std::span<const double> found,
                 std::span<float> offset);

} // namespace lpgen::posttraining

#endif // LPGEN_TRAINING_POSTTRAINING_BIASCORRECTION_H
