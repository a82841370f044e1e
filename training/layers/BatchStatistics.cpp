// In double, as sums over tens of thousands of rows.
#include "training/layers/BatchStatistics.h"
#include "training/core/ChannelSums.h"
#include <algorithm>

namespace lpgen::nn {

BatchMoments momentsOf(const FloatTensor &x, std::span<const float> shift,
                       const StepContext &context) {
  const auto channels = int64_t(shift.size());
  const int64_t rows = x.size() / channels;
  const std::vector<double> sums =
      sumRows(context, rows, 2 * channels, [&](TaskRange range, double *sum) {
        addMoments(x.data() + range.begin * channels, range.end - range.begin,
                   channels, shift.data(), sum);
      });
  BatchMoments moments = {std::vector<double>(shift.size()),
                          std::vector<double>(shift.size())};
  for (size_t c = 0; c < shift.size(); ++c) {
    const double offset = sums[c] / double(rows);
    const double square = sums[shift.size() + c] / double(rows);
    moments.mean[c] = offset + double(shift[c]);
    moments.variance[c] = std::max(square - offset * offset, 0.0);
  }
  return moments;
}

Affine affineOf(std::span<const float> gamma, std::span<const float> beta,
                std::span<const float> mean, std::span<const float> inverse) {
  Affine result = {std::vector<float>(gamma.size()),
                   std::vector<float>(gamma.size())};
  for (size_t c = 0; c < gamma.size(); ++c) {
    result.scale[c] = gamma[c] * inverse[c];
    result.offset[c] = beta[c] - mean[c] * result.scale[c];
  }
  return result;
}

GradientFactors gradientFactors(std::span<const double> sums, int64_t rows,
                                std::span<const float> gamma,
                                std::span<const float> mean,
                                std::span<const float> inverse) {
  const size_t size = gamma.size();
  GradientFactors factors = {std::vector<float>(size), std::vector<float>(size),
                             std::vector<float>(size)};
  for (size_t c = 0; c < size; ++c) {
    const double meanGradient = sums[c] / double(rows);
    const double meanProduct = sums[size + c] / double(rows);
    const double factor = double(gamma[c]) * double(inverse[c]);
    factors.a[c] = float(factor);
    factors.b[c] = float(-factor * meanProduct * double(inverse[c]));
    factors.constant[c] =
        float(-factor * meanGradient) - factors.b[c] * mean[c];
  }
  return factors;
}

} // namespace lpgen::nn
