// Rows of pixels for the loops of NormalizationLoops.
#include "training/layers/FusedNormActPool.h"
#include "training/core/ChannelSums.h"

namespace lpgen::nn {

bool FusedNormActPool::takePool(const Pool &pool) {
  if (isPooled || pool.poolKind() != Pool::Kind::Max ||
      pool.kernelSize() != 2 || pool.strideSize() != 2) {
    return false;
  }
  isPooled = true;
  return true;
}

Status FusedNormActPool::forward(const FloatTensor &x, FloatTensor &y,
                                 const StepContext &context) {
  input = &x;
  normalization = norm->normalizationOf(x, Following::Relu, context);
  if (isPooled) {
    forwardPooled(x, y, context);
    return Status::success();
  }
  const int64_t channels = norm->numChannels();
  y.resize(x.shape());
  forEachPart(context, x.size() / channels, [&](int, TaskRange rows) {
    normalizeRows(x.data() + rows.begin * channels, rows.end - rows.begin,
                  channels, normalization, y.data() + rows.begin * channels);
  });
  return Status::success();
}

void FusedNormActPool::forwardPooled(const FloatTensor &x, FloatTensor &y,
                                     const StepContext &context) {
  const int64_t channels = norm->numChannels();
  const int64_t height = x.extent(1) / 2;
  const int64_t width = x.extent(2) / 2;
  const int64_t rowLength = x.extent(2) * channels;
  y.resize({x.extent(0), height, width, channels});
  winners.resize(y.shape());
  forEachTask(context, x.extent(0), [&](int64_t image) {
    const float *from = x.data() + image * x.sliceSize();
    for (int64_t h = 0; h < height; ++h) {
      const int64_t to = (image * height + h) * width * channels;
      normalizeAndPool(from + 2 * h * rowLength, rowLength, width, channels,
                       normalization, y.data() + to, winners.data() + to);
    }
  });
}

Status FusedNormActPool::backward(const FloatTensor &dy, FloatTensor &dx,
                                  const StepContext &context) {
  assert(input && context.isTraining() &&
         "backward follows a training forward");
  const int64_t channels = norm->numChannels();
  dx.resize(input->shape());
  // Pixels that no window chose have gradient 0 and add nothing.
  const float *x = isPooled ? winners.data() : input->data();
  const std::vector<double> sums = sumRows(
      context, dy.size() / channels, 2 * channels,
      [&](TaskRange range, double *sum) {
        const int64_t first = range.begin * channels;
        addGradients(x + first, dy.data() + first, range.end - range.begin,
                     channels, normalization, sum);
      });
  const GradientFactors factors =
      norm->takeGradients(sums, input->size() / channels, dy.scaleExponent());
  if (isPooled) {
    backwardPooled(dy, factors, dx, context);
    return Status::success();
  }
  forEachPart(context, dy.size() / channels, [&](int, TaskRange range) {
    const int64_t first = range.begin * channels;
    propagateRows(x + first, dy.data() + first, range.end - range.begin,
                  channels, normalization, factors.pointers(),
                  dx.data() + first);
  });
  return Status::success();
}

void FusedNormActPool::backwardPooled(const FloatTensor &dy,
                                      const GradientFactors &factors,
                                      FloatTensor &dx,
                                      const StepContext &context) {
  const int64_t channels = norm->numChannels();
  const int64_t height = input->extent(1) / 2;
  const int64_t width = input->extent(2) / 2;
  const int64_t rowLength = input->extent(2) * channels;
  // What lies in no window: dx = b x + constant.
  const Normalization rest = {factors.b.data(), factors.constant.data(),
                              nullptr, nullptr, Following::Nothing};
  forEachTask(context, dy.extent(0), [&](int64_t image) {
    const float *from = input->data() + image * input->sliceSize();
    float *to = dx.data() + image * input->sliceSize();
    const auto fillRest = [&](int64_t begin, int64_t end) {
      normalizeRows(from + begin, (end - begin) / channels, channels, rest,
                    to + begin);
    };
    for (int64_t h = 0; h < height; ++h) {
      const int64_t pooled = (image * height + h) * width * channels;
      const int64_t row = 2 * h * rowLength;
      propagatePooled(from + row, rowLength, width, channels, normalization,
                      factors.pointers(), winners.data() + pooled,
                      dy.data() + pooled, to + row);
      for (const int64_t upper : {row, row + rowLength}) {
        fillRest(upper + 2 * width * channels, upper + rowLength);
      }
    }
    fillRest(2 * height * rowLength, input->sliceSize());
  });
}

} // namespace lpgen::nn
