// Rounding of weights that looks at what comes out of the layer.
//
// Rounding each weight to the nearest code is best for the weights, not for
// their sums: errors of inputs that go together can cancel. AdaRound (Nagel et
// al. 2020, arXiv 2004.10568) minimizes E[((w - scale q) x)^2] over the
// choice of each q. There it is done by gradients of a relaxed choice; here
// codes are chosen one after the other, each for what the errors of those
// before leave (Babai's nearest plane, of which GPTQ is a form), and then
// changed one step at a time as long as the error falls. There is no learning
// rate and no random number.
#ifndef LPGEN_TRAINING_POSTTRAINING_LEARNEDROUNDING_H
#define LPGEN_TRAINING_POSTTRAINING_LEARNEDROUNDING_H

#include "base/types/QuantParams.h"
#include "training/core/FloatTensor.h"
#include <span>
#include <vector>

namespace lpgen::posttraining {

class LearnedRounding {
public:
  /// For filters whose inputs have these moments (InputMoments.h), which must
  /// outlive this.
  explicit LearnedRounding(const nn::FloatTensor &moments);

  /// Improves the codes of a filter; the error never grows.
  void improve(std::span<const float> weights, const QuantParams &grid,
               float scale, std::span<int32_t> codes) const;

  /// Of the output.
  double error(std::span<const float> weights, float scale,
               std::span<const int32_t> codes) const;
  /// The scale at which these codes have the least error; 0 if all are 0.
  float fittedScale(std::span<const float> weights,
                    std::span<const int32_t> codes) const;

private:
  void roundInOrder(std::span<const float> weights, const QuantParams &grid,
                    float scale, std::span<int32_t> codes) const;
  void changeSteps(std::span<const float> weights, const QuantParams &grid,
                   float scale, std::span<int32_t> codes) const;

  const nn::FloatTensor &moments;
  std::vector<double> factor; ///< R of M = R^T R, upper triangular.
};

} // namespace lpgen::posttraining

#endif // LPGEN_TRAINING_POSTTRAINING_LEARNEDROUNDING_H
