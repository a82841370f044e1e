// All filters of a layer as integers: scales, rounding, more points.
#ifndef LPGEN_TRAINING_POSTTRAINING_FILTERINTEGERS_H
#define LPGEN_TRAINING_POSTTRAINING_FILTERINTEGERS_H

#include "training/posttraining/PostTraining.h"

namespace lpgen::posttraining {

/// `moments` are those of the layer's inputs (InputMoments.h); empty: weights
/// are rounded to nearest, and the filters that get more points are those with
/// the greatest squares of errors.
std::vector<WeightPoint> filterIntegers(const nn::FloatTensor &weight, int bits,
                                        const Methods &methods,
                                        const nn::FloatTensor &moments);

} // namespace lpgen::posttraining

#endif // LPGEN_TRAINING_POSTTRAINING_FILTERINTEGERS_H
