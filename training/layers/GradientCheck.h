// Compares the backward call of a layer with finite differences of its forward
// call.
#ifndef LPGEN_TRAINING_LAYERS_GRADIENTCHECK_H
#define LPGEN_TRAINING_LAYERS_GRADIENTCHECK_H

#include "training/layers/Layer.h"

namespace lpgen::nn {

struct GradientDifference {
  double relative = 0; ///< |analytic - numeric| / max(1, both magnitudes).
  std::string place;   ///< "conv.weight[17]", "input[3]"
  double analytic = 0;
  double numeric = 0;
};

/// Takes L = sum of y * r, r random of N(0, 1), and compares dL/dx and dL/dp of
/// `samples` random elements of x and of each parameter with
/// (L(+step) - L(-step)) / (2 step). Returns the greatest difference.
Result<GradientDifference> checkGradients(Layer &layer, FloatTensor x,
                                          const StepContext &context,
                                          int samples, float step);

} // namespace lpgen::nn

#endif // LPGEN_TRAINING_LAYERS_GRADIENTCHECK_H
