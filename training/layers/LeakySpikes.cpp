// Element by element, one time step after the other.
#include "training/layers/LeakySpikes.h"
#include <algorithm>
#include <cmath>

namespace lpgen::nn {

Status LeakySpikes::forward(const FloatTensor &x, FloatTensor &y,
                            const StepContext &context) {
  const TimeSteps &time = context.time;
  const int64_t size = x.size() / time.count;
  y.resize(x.shape());
  potentials.resize(x.shape());
  if (time.first == 0) {
    left.resize({size});
    std::ranges::fill(left.values(), 0.0F);
  }
  assert(left.size() == size && "time steps of one batch");
  forEachPart(context, size, [&](int, TaskRange range) {
    for (int64_t t = 0; t < time.count; ++t) {
      for (int64_t i = range.begin; i < range.end; ++i) {
        const int64_t at = t * size + i;
        const float u = TimeSteps::leak * left[i] + x[at];
        const bool fires = u >= threshold;
        potentials[at] = u;
        // NaN stays: it must be seen.
        y[at] = std::isnan(u) ? u : fires ? 1.0F : 0.0F;
        left[i] = fires ? u - threshold : u;
      }
    }
  });
  return Status::success();
}

static float slopeAt(float u) {
  const float sigma =
      1.0F /
      (1.0F + std::exp(-LeakySpikes::slope * (u - LeakySpikes::threshold)));
  return LeakySpikes::slope * sigma * (1.0F - sigma);
}

Status LeakySpikes::backward(const FloatTensor &dy, FloatTensor &dx,
                             const StepContext &context) {
  assert(dy.size() == potentials.size() && "backward follows forward");
  const TimeSteps &time = context.time;
  const int64_t size = dy.size() / time.count;
  const float later =
      gradient == Gradient::ThroughTime ? TimeSteps::leak : 0.0F;
  dx.resize(dy.shape());
  forEachPart(context, size, [&](int, TaskRange range) {
    for (int64_t t = time.count - 1; t >= 0; --t) {
      for (int64_t i = range.begin; i < range.end; ++i) {
        const int64_t at = t * size + i;
        const float next = t + 1 < time.count ? dx[at + size] : 0.0F;
        dx[at] = dy[at] * slopeAt(potentials[at]) + later * next;
      }
    }
  });
  return Status::success();
}

} // namespace lpgen::nn
