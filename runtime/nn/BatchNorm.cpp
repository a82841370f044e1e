// Statistics in double, elements in float.
#include "runtime/nn/BatchNorm.h"
#include "runtime/nn/ChannelSums.h"
#include <algorithm>

namespace lpgen::nn {

static constexpr double epsilon = 1e-5;
static constexpr double momentum = 0.1;

BatchNorm::BatchNorm(std::string name, int64_t channels)
    : Layer(std::move(name)), channels(channels) {
  const auto init = [&](Parameter &parameter, const char *suffix, float value) {
    parameter.name = this->name() + suffix;
    parameter.decays = false;
    parameter.value.resize({channels});
    parameter.gradient.resize({channels});
    std::ranges::fill(parameter.value.values(), value);
  };
  init(gamma, ".gamma", 1.0F);
  init(beta, ".beta", 0.0F);
  runningMean.resize({channels});
  runningVariance.resize({channels});
  std::ranges::fill(runningVariance.values(), 1.0F);
  mean.resize(size_t(channels));
  inverse.resize(size_t(channels));
}

void BatchNorm::updateStatistics(const FloatTensor &x, const Pass &pass) {
  const int64_t rows = x.size() / channels;
  // Sums of x and of x squared, from a shift near the mean to keep the digits.
  std::vector<float> shift(runningMean.values().begin(),
                           runningMean.values().end());
  const std::vector<double> sums =
      sumRows(pass, rows, 2 * channels, [&](int64_t row, double *sum) {
        const float *values = x.data() + row * channels;
        for (int64_t c = 0; c < channels; ++c) {
          const double v = double(values[c]) - double(shift[size_t(c)]);
          sum[c] += v;
          sum[channels + c] += v * v;
        }
      });
  for (int64_t c = 0; c < channels; ++c) {
    const double offset = sums[size_t(c)] / double(rows);
    const double square = sums[size_t(channels + c)] / double(rows);
    const double variance = std::max(square - offset * offset, 0.0);
    const double center = offset + double(shift[size_t(c)]);
    mean[size_t(c)] = float(center);
    inverse[size_t(c)] = float(1.0 / std::sqrt(variance + epsilon));
    const double unbiased =
        rows > 1 ? variance * double(rows) / double(rows - 1) : variance;
    runningMean[c] += float(momentum * (center - double(runningMean[c])));
    runningVariance[c] +=
        float(momentum * (unbiased - double(runningVariance[c])));
  }
}

BatchNorm::Affine BatchNorm::affine(bool isTraining) const {
  Affine result = {std::vector<float>(size_t(channels)),
                   std::vector<float>(size_t(channels))};
  for (int64_t c = 0; c < channels; ++c) {
    const auto i = size_t(c);
    const float center = isTraining ? mean[i] : runningMean[c];
    const float factor =
        isTraining
            ? inverse[i]
            : float(1.0 / std::sqrt(double(runningVariance[c]) + epsilon));
    result.scale[i] = gamma.value[c] * factor;
    result.offset[i] = beta.value[c] - center * result.scale[i];
  }
  return result;
}

BatchNorm::Affine BatchNorm::evaluationAffine() const { return affine(false); }

Status BatchNorm::forward(const FloatTensor &x, FloatTensor &y,
                          const Pass &pass) {
  input = &x;
  y.resize(x.shape());
  if (pass.isTraining()) {
    updateStatistics(x, pass);
  }
  const auto [scale, offset] = affine(pass.isTraining());
  forEachPart(pass, x.size() / channels, [&](int, TaskRange rows) {
    for (int64_t row = rows.begin; row < rows.end; ++row) {
      const float *from = x.data() + row * channels;
      float *to = y.data() + row * channels;
      for (int64_t c = 0; c < channels; ++c) {
        to[c] = from[c] * scale[size_t(c)] + offset[size_t(c)];
      }
    }
  });
  return Status::success();
}

/// With xhat = (x - mean) inverse and n rows:
///   dbeta = sum dy,  dgamma = sum dy xhat
///   dx = gamma inverse (dy - dbeta / n - xhat dgamma / n)
Status BatchNorm::backward(const FloatTensor &dy, FloatTensor &dx,
                           const Pass &pass) {
  assert(input && pass.isTraining() && "backward follows a training forward");
  dx.resize(dy.shape());
  const int64_t rows = dy.size() / channels;
  const std::vector<double> sums =
      sumRows(pass, rows, 2 * channels, [&](int64_t row, double *sum) {
        const float *x = input->data() + row * channels;
        const float *g = dy.data() + row * channels;
        for (int64_t c = 0; c < channels; ++c) {
          const float xhat = (x[c] - mean[size_t(c)]) * inverse[size_t(c)];
          sum[c] += double(g[c]);
          sum[channels + c] += double(g[c] * xhat);
        }
      });
  // dx = a dy + b x + c for each channel, dy and dx at one scale.
  std::vector<float> a(static_cast<size_t>(channels));
  std::vector<float> b(static_cast<size_t>(channels));
  std::vector<float> constant(static_cast<size_t>(channels));
  for (int64_t c = 0; c < channels; ++c) {
    const auto i = size_t(c);
    beta.gradient[c] = float(sums[i]);
    gamma.gradient[c] = float(sums[size_t(channels) + i]);
    const double meanGradient = sums[i] / double(rows);
    const double meanProduct = sums[size_t(channels) + i] / double(rows);
    const double factor = double(gamma.value[c]) * double(inverse[i]);
    a[i] = float(factor);
    b[i] = float(-factor * meanProduct * double(inverse[i]));
    constant[i] = float(-factor * meanGradient) - b[i] * mean[i];
  }
  forEachPart(pass, rows, [&](int, TaskRange range) {
    for (int64_t row = range.begin; row < range.end; ++row) {
      const float *x = input->data() + row * channels;
      const float *g = dy.data() + row * channels;
      float *to = dx.data() + row * channels;
      for (int64_t c = 0; c < channels; ++c) {
        const auto i = size_t(c);
        to[c] = a[i] * g[c] + b[i] * x[c] + constant[i];
      }
    }
  });
  unscale(beta.gradient, dy.scaleExponent());
  unscale(gamma.gradient, dy.scaleExponent());
  return Status::success();
}

void BatchNorm::visitParameters(const std::function<void(Parameter &)> &visit) {
  visit(gamma);
  visit(beta);
}

void BatchNorm::visitState(StateVisitor &visitor) {
  visitor.visit(name() + ".runningMean", runningMean);
  visitor.visit(name() + ".runningVariance", runningVariance);
}

} // namespace lpgen::nn
