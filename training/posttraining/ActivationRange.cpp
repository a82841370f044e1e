// A limit, divided by the greatest code.
#include "training/posttraining/ActivationRange.h"
#include <algorithm>
#include <cmath>

namespace lpgen::posttraining {

static constexpr double countedPart = 0.999;

static quant::Magnitudes measured(std::span<const float> x,
                                  const nn::StepContext &context) {
  return quant::measureMagnitudes(x, context);
}

ActivationStatistics::ActivationStatistics(std::span<const float> x,
                                           const nn::StepContext &context)
    : max(measured(x, context).max),
      hasNegative(measured(x, context).hasNegative),
      histogram(x, max, context) {}

static float limitOf(const ActivationStatistics &statistics, int32_t highest,
                     ActivationRange range) {
  const quant::MagnitudeHistogram &histogram = statistics.histogram;
  switch (range) {
  case ActivationRange::Max:
    return statistics.max;
  case ActivationRange::Percentile:
    return histogram.percentile(countedPart);
  case ActivationRange::Mse:
    return histogram.leastNoise(highest, quant::Rounding::Nearest).limit;
  case ActivationRange::Divergence:
    return histogram.leastDivergence(highest);
  }
  return statistics.max;
}

QuantParams activationGrid(const ActivationStatistics &statistics, int bits,
                           ActivationRange range) {
  QuantParams grid;
  grid.highest = statistics.hasNegative
                     ? std::max(1, (int32_t{1} << (bits - 1)) - 1)
                     : (int32_t{1} << bits) - 1;
  grid.lowest = statistics.hasNegative ? -grid.highest : 0;
  const float scale =
      limitOf(statistics, grid.highest, range) / float(grid.highest);
  // A tensor of zeros stays zero at any scale.
  grid.scale = std::isnormal(scale) ? scale : 1.0F;
  return grid;
}

} // namespace lpgen::posttraining
