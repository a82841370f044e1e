// Image by image.
#include "training/contractions/ResistiveBackend.h"
#include <algorithm>
#include <cmath>

namespace lpgen::nn {

/// Reads are repeated with halved inputs so often at most.
static constexpr int mostHalvings = 10;

void ResistiveBackend::read(const FloatTensor &in, FloatTensor &out,
                            const char *product,
                            const StepContext &context) const {
  const RandomKey key = context.random.of(layer).of(product);
  const auto noise = float(array.noise);
  const auto bound = float(array.bound);
  forEachTask(context, in.extent(0), [&](int64_t image) {
    const float *x = in.data() + image * in.sliceSize();
    float *y = out.data() + image * out.sliceSize();
    float scale = 1;
    if (array.managesNoise) {
      float greatest = 0;
      for (int64_t i = 0; i < in.sliceSize(); ++i) {
        greatest = std::max(greatest, std::fabs(x[i]));
      }
      scale = greatest > 0 ? greatest : 1.0F;
    }
    std::vector<float> exact(y, y + out.sliceSize());
    const RandomKey own = key.of(uint64_t(image));
    for (int k = 0; k <= (array.managesBound ? mostHalvings : 0); ++k) {
      const float unit = std::ldexp(scale, k);
      const RandomKey now = own.of(uint64_t(k));
      bool isAtBound = false;
      for (size_t i = 0; i < exact.size(); ++i) {
        const float found = exact[i] / unit + noise * now.normal(i);
        isAtBound |= std::fabs(found) >= bound;
        // NaN stays: it must be seen.
        y[i] = unit * (found > bound ? bound : found < -bound ? -bound : found);
      }
      if (!isAtBound) {
        break;
      }
    }
  });
}

Status ResistiveBackend::forward(const FloatTensor &x,
                                 const FloatTensor &weight, FloatTensor &y,
                                 const StepContext &context) {
  LPGEN_RETURN_IF_ERROR(FloatBackend::forward(x, weight, y, context));
  read(x, y, "forward", context);
  return Status::success();
}

Status ResistiveBackend::backward(const FloatTensor &x,
                                  const FloatTensor &weight,
                                  const FloatTensor &dy, FloatTensor *dWeight,
                                  FloatTensor *dx, const StepContext &context) {
  LPGEN_RETURN_IF_ERROR(
      FloatBackend::backward(x, weight, dy, dWeight, dx, context));
  if (dx) {
    read(dy, *dx, "inputGradient", context);
  }
  return Status::success();
}

} // namespace lpgen::nn
