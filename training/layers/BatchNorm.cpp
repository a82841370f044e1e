// Statistics in double, elements in float.
#include "training/layers/BatchNorm.h"
#include "networks/NetworkSink.h"
#include "training/core/ChannelSums.h"
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

void BatchNorm::updateStatistics(const FloatTensor &x,
                                 const StepContext &context) {
  const int64_t rows = x.size() / channels;
  const BatchMoments moments = momentsOf(x, runningMean.values(), context);
  for (int64_t c = 0; c < channels; ++c) {
    const double center = moments.mean[size_t(c)];
    const double variance = moments.variance[size_t(c)];
    mean[size_t(c)] = float(center);
    inverse[size_t(c)] = float(1.0 / std::sqrt(variance + epsilon));
    if (context.isBeside) {
      continue;
    }
    const double unbiased =
        rows > 1 ? variance * double(rows) / double(rows - 1) : variance;
    runningMean[c] += float(momentum * (center - double(runningMean[c])));
    runningVariance[c] +=
        float(momentum * (unbiased - double(runningVariance[c])));
  }
}

Affine BatchNorm::affine(bool isTraining) const {
  if (isTraining) {
    return affineOf(gamma.value.values(), beta.value.values(), mean, inverse);
  }
  std::vector<float> running(static_cast<size_t>(channels));
  for (int64_t c = 0; c < channels; ++c) {
    running[size_t(c)] =
        float(1.0 / std::sqrt(double(runningVariance[c]) + epsilon));
  }
  return affineOf(gamma.value.values(), beta.value.values(),
                  runningMean.values(), running);
}

std::vector<float> BatchNorm::takeGains() {
  Affine evaluated = affine(false);
  std::ranges::copy(evaluated.offset, beta.value.data());
  std::ranges::fill(gamma.value.values(), 1.0F);
  std::ranges::fill(runningMean.values(), 0.0F);
  std::ranges::fill(runningVariance.values(), float(1 - epsilon));
  return std::move(evaluated.scale);
}

Status BatchNorm::describe(networks::NetworkSink &network) const {
  Affine evaluated = affine(false);
  if (std::ranges::all_of(evaluated.scale,
                          [](float gain) { return gain == 1.0F; })) {
    return network.addBias(name(), evaluated.offset);
  }
  return network.addAffine(name(), std::move(evaluated.scale),
                           std::move(evaluated.offset));
}

Normalization BatchNorm::normalizationOf(const FloatTensor &x,
                                         Following following,
                                         const StepContext &context) {
  if (context.isTraining()) {
    updateStatistics(x, context);
  }
  current = affine(context.isTraining());
  last = {current.scale.data(), current.offset.data(), mean.data(),
          inverse.data(), following};
  return last;
}

Status BatchNorm::forward(const FloatTensor &x, FloatTensor &y,
                          const StepContext &context) {
  input = &x;
  y.resize(x.shape());
  const Normalization n = normalizationOf(x, Following::Nothing, context);
  forEachPart(context, x.size() / channels, [&](int, TaskRange rows) {
    normalizeRows(x.data() + rows.begin * channels, rows.end - rows.begin,
                  channels, n, y.data() + rows.begin * channels);
  });
  return Status::success();
}

GradientFactors BatchNorm::takeGradients(const std::vector<double> &sums,
                                         int64_t rows, int scaleExponent) {
  for (int64_t c = 0; c < channels; ++c) {
    beta.gradient[c] = float(sums[size_t(c)]);
    gamma.gradient[c] = float(sums[size_t(channels + c)]);
  }
  unscale(beta.gradient, scaleExponent);
  unscale(gamma.gradient, scaleExponent);
  return gradientFactors(sums, rows, gamma.value.values(), mean, inverse);
}

Status BatchNorm::backward(const FloatTensor &dy, FloatTensor &dx,
                           const StepContext &context) {
  assert(input && context.isTraining() &&
         "backward follows a training forward");
  dx.resize(dy.shape());
  const float *x = input->data();
  const int64_t rows = dy.size() / channels;
  const std::vector<double> sums =
      sumRows(context, rows, 2 * channels, [&](TaskRange range, double *sum) {
        const int64_t first = range.begin * channels;
        addGradients(x + first, dy.data() + first, range.end - range.begin,
                     channels, last, sum);
      });
  const GradientFactors factors = takeGradients(sums, rows, dy.scaleExponent());
  forEachPart(context, rows, [&](int, TaskRange range) {
    const int64_t first = range.begin * channels;
    propagateRows(x + first, dy.data() + first, range.end - range.begin,
                  channels, last, factors.pointers(), dx.data() + first);
  });
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
