// Loops over images; nothing here sums over a batch.
#include "training/layers/SimpleLayers.h"
#include "base/system/VectorClones.h"
#include "networks/NetworkSink.h"
#include <algorithm>

namespace lpgen::nn {

LPGEN_VECTOR_CLONES
static void rectify(const float *x, int64_t count, float *__restrict y) {
  for (int64_t i = 0; i < count; ++i) {
    y[i] = x[i] < 0.0F ? 0.0F : x[i]; // NaN stays: it must be seen
  }
}

/// dx = dy where y > 0.
LPGEN_VECTOR_CLONES
static void gate(const float *y, const float *dy, int64_t count,
                 float *__restrict dx) {
  for (int64_t i = 0; i < count; ++i) {
    const float gradient = dy[i]; // Not under a condition, for vectors.
    dx[i] = y[i] > 0.0F ? gradient : 0.0F;
  }
}

Status Relu::forward(const FloatTensor &x, FloatTensor &y,
                     const StepContext &context) {
  input = &x;
  y.resize(x.shape());
  forEachPart(context, x.size(), [&](int, TaskRange range) {
    rectify(x.data() + range.begin, range.end - range.begin,
            y.data() + range.begin);
  });
  return Status::success();
}

Status Relu::backward(const FloatTensor &dy, FloatTensor &dx,
                      const StepContext &context) {
  assert(input && "backward follows forward");
  dx.resize(dy.shape());
  forEachPart(context, dy.size(), [&](int, TaskRange range) {
    gate(input->data() + range.begin, dy.data() + range.begin,
         range.end - range.begin, dx.data() + range.begin);
  });
  return Status::success();
}

/// Where x is greater than y: y = x, and its offset is the winner.
LPGEN_VECTOR_CLONES
static void takeGreater(const float *x, int64_t channels, int32_t offset,
                        float *__restrict y, int32_t *__restrict winner) {
  for (int64_t c = 0; c < channels; ++c) {
    const bool isGreater = x[c] > y[c];
    y[c] = isGreater ? x[c] : y[c];
    winner[c] = isGreater ? offset : winner[c];
  }
}

/// One output pixel, all channels. `window` is its first input pixel.
void Pool::forwardPixel(const float *window, int64_t width, int64_t channels,
                        float *y, int32_t *winner) const {
  std::copy_n(window, channels, y);
  if (kind == Kind::Max) {
    std::fill_n(winner, channels, 0);
  }
  for (int64_t r = 0; r < kernel; ++r) {
    for (int64_t s = r == 0 ? 1 : 0; s < kernel; ++s) {
      const int64_t offset = (r * width + s) * channels;
      const float *tap = window + offset;
      for (int64_t c = 0; kind == Kind::Average && c < channels; ++c) {
        y[c] += tap[c];
      }
      if (kind == Kind::Max) {
        takeGreater(tap, channels, int32_t(offset), y, winner);
      }
    }
  }
  if (kind == Kind::Average) {
    const float factor = 1.0F / float(kernel * kernel);
    for (int64_t c = 0; c < channels; ++c) {
      y[c] *= factor;
    }
  }
}

Status Pool::forward(const FloatTensor &x, FloatTensor &y,
                     const StepContext &context) {
  inputShape = x.shape();
  const int64_t height = x.extent(1);
  const int64_t width = x.extent(2);
  const int64_t channels = x.extent(3);
  const int64_t outHeight = (height - kernel) / stride + 1;
  const int64_t outWidth = (width - kernel) / stride + 1;
  y.resize({x.extent(0), outHeight, outWidth, channels});
  winners.resize(kind == Kind::Max ? size_t(y.size()) : 0);
  forEachTask(context, x.extent(0), [&](int64_t image) {
    const float *from = x.data() + image * x.sliceSize();
    int64_t to = image * y.sliceSize();
    for (int64_t h = 0; h < outHeight; ++h) {
      for (int64_t v = 0; v < outWidth; ++v, to += channels) {
        forwardPixel(from + (h * width + v) * stride * channels, width,
                     channels, y.data() + to,
                     kind == Kind::Max ? winners.data() + to : nullptr);
      }
    }
  });
  return Status::success();
}

Status Pool::backward(const FloatTensor &dy, FloatTensor &dx,
                      const StepContext &context) {
  dx.resize(inputShape);
  const int64_t width = inputShape[2];
  const int64_t channels = inputShape[3];
  const float factor = 1.0F / float(kernel * kernel);
  forEachTask(context, dy.extent(0), [&](int64_t image) {
    float *to = dx.data() + image * dx.sliceSize();
    std::fill_n(to, dx.sliceSize(), 0.0F);
    int64_t from = image * dy.sliceSize();
    for (int64_t h = 0; h < dy.extent(1); ++h) {
      for (int64_t v = 0; v < dy.extent(2); ++v, from += channels) {
        float *window = to + (h * width + v) * stride * channels;
        for (int64_t c = 0; c < channels; ++c) {
          if (kind == Kind::Max) {
            window[winners[size_t(from + c)] + c] += dy[from + c];
            continue;
          }
          for (int64_t tap = 0; tap < kernel * kernel; ++tap) {
            window[(tap / kernel * width + tap % kernel) * channels + c] +=
                dy[from + c] * factor;
          }
        }
      }
    }
  });
  return Status::success();
}

Status Flatten::forward(const FloatTensor &x, FloatTensor &y,
                        const StepContext &context) {
  inputShape = x.shape();
  y.resize({x.extent(0), x.sliceSize()});
  std::ranges::copy(x.values(), y.data());
  return Status::success();
}

Status Flatten::backward(const FloatTensor &dy, FloatTensor &dx,
                         const StepContext &context) {
  dx.resize(inputShape);
  std::ranges::copy(dy.values(), dx.data());
  return Status::success();
}

Status PaddedShortcut::forward(const FloatTensor &x, FloatTensor &y,
                               const StepContext &context) {
  inputShape = x.shape();
  const int64_t channels = x.extent(3);
  assert(outputs >= channels && "channels are added, not dropped");
  const int64_t outHeight = (x.extent(1) + stride - 1) / stride;
  const int64_t outWidth = (x.extent(2) + stride - 1) / stride;
  y.resize({x.extent(0), outHeight, outWidth, outputs});
  forEachTask(context, x.extent(0), [&](int64_t image) {
    const float *from = x.data() + image * x.sliceSize();
    float *to = y.data() + image * y.sliceSize();
    std::fill_n(to, y.sliceSize(), 0.0F);
    for (int64_t h = 0; h < outHeight; ++h) {
      for (int64_t v = 0; v < outWidth; ++v, to += outputs) {
        std::copy_n(from + (h * x.extent(2) + v) * stride * channels, channels,
                    to);
      }
    }
  });
  return Status::success();
}

Status PaddedShortcut::backward(const FloatTensor &dy, FloatTensor &dx,
                                const StepContext &context) {
  dx.resize(inputShape);
  const int64_t width = inputShape[2];
  const int64_t channels = inputShape[3];
  forEachTask(context, dy.extent(0), [&](int64_t image) {
    const float *from = dy.data() + image * dy.sliceSize();
    float *to = dx.data() + image * dx.sliceSize();
    std::fill_n(to, dx.sliceSize(), 0.0F);
    for (int64_t h = 0; h < dy.extent(1); ++h) {
      for (int64_t v = 0; v < dy.extent(2); ++v, from += outputs) {
        std::copy_n(from, channels, to + (h * width + v) * stride * channels);
      }
    }
  });
  return Status::success();
}

Status Relu::describe(networks::NetworkSink &network) const {
  return network.addRelu(name());
}

Status Pool::describe(networks::NetworkSink &network) const {
  return kind == Kind::Max ? network.addMaxPool(name(), kernel, stride)
                           : network.addAveragePool(name(), kernel, stride);
}

Status Flatten::describe(networks::NetworkSink &network) const {
  network.flatten();
  return Status::success();
}

Status PaddedShortcut::describe(networks::NetworkSink &network) const {
  return network.addPaddedPixels(name(), stride, outputs);
}

} // namespace lpgen::nn
