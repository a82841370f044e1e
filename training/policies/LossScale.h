// The dynamic loss scale of Micikevicius et al. 2018 (arXiv 1710.03740), with
// the floor of Mellempudi et al. 2019 (arXiv 1905.12334).
#ifndef LPGEN_TRAINING_POLICIES_LOSSSCALE_H
#define LPGEN_TRAINING_POLICIES_LOSSSCALE_H

#include "training/layers/Layer.h"
#include <algorithm>
#include <vector>

namespace lpgen::train {

/// Starts at `scale`. A step with a gradient that is no number is skipped and
/// halves it, but not below `floor`; `growAfter` good steps in a row double it,
/// unless that is 0.
class DynamicLossScale {
public:
  DynamicLossScale(float scale, float floor, int64_t growAfter)
      : scale(scale), floor(floor), growAfter(growAfter) {}

  float value() const { return scale; }
  /// Counts the step; true if it is good.
  bool accept(const std::vector<nn::Parameter *> &parameters) {
    const bool isGood =
        std::ranges::all_of(parameters, [](const nn::Parameter *parameter) {
          return std::ranges::all_of(
              parameter->gradient.values(),
              [](float gradient) { return std::isfinite(gradient); });
        });
    if (!isGood) {
      scale = std::max(scale / 2, floor);
      goodSteps = 0;
    } else if (++goodSteps == growAfter) {
      scale = std::min(scale * 2, 0x1p24F);
      goodSteps = 0;
    }
    return isGood;
  }
  void visitState(nn::StateVisitor &visitor) {
    visitor.visit("lossScale", scale);
    visitor.visit("lossScale.goodSteps", goodSteps);
  }

private:
  float scale;
  float floor;
  int64_t growAfter;
  int64_t goodSteps = 0;
};

} // namespace lpgen::train

#endif // LPGEN_TRAINING_POLICIES_LOSSSCALE_H
