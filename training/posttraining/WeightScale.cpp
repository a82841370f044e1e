// One dimensional searches.
#include "training/posttraining/WeightScale.h"
#include <algorithm>
#include <cmath>

namespace lpgen::posttraining {

/// Steps tried, as parts of that which clips nothing.
static constexpr int numSteps = 100;

QuantParams weightGrid(int bits) {
  QuantParams grid;
  if (bits == 1) {
    grid.lowest = -1;
    grid.highest = 1;
    grid.isOdd = true;
    return grid;
  }
  grid.highest = (int32_t{1} << (bits - 1)) - 1;
  grid.lowest = bits == 8 ? -grid.highest : -grid.highest - 1;
  return grid;
}

int32_t nearestCode(float w, const QuantParams &grid, float scale) {
  if (grid.isOdd) {
    return w < 0 ? -1 : 1;
  }
  return int32_t(std::lrint(
      std::clamp(w / scale, float(grid.lowest), float(grid.highest))));
}

void roundToNearest(std::span<const float> weights, const QuantParams &grid,
                    float scale, std::span<int32_t> codes) {
  for (size_t i = 0; i < weights.size(); ++i) {
    codes[i] = nearestCode(weights[i], grid, scale);
  }
}

double squaredError(std::span<const float> weights, const QuantParams &grid,
                    float scale) {
  double sum = 0;
  for (const float w : weights) {
    const double rest = double(w) - double(scale) * nearestCode(w, grid, scale);
    sum += rest * rest;
  }
  return sum;
}

static float leastErrorScale(std::span<const float> weights,
                             const QuantParams &grid, float widest) {
  float best = widest;
  double least = squaredError(weights, grid, widest);
  for (int i = numSteps - 1; i > numSteps / 10; --i) {
    const float scale = widest * (float(i) / numSteps);
    if (const double error = squaredError(weights, grid, scale);
        error < least) {
      least = error;
      best = scale;
    }
  }
  return best;
}

/// Quantiles of the normal distribution, in the middle of equal parts.
static std::vector<float> normalQuantiles() {
  constexpr int count = 4096;
  std::vector<float> values;
  double x = -4.0; // Of the least part; found anew for each by Newton.
  for (int i = 0; i < count; ++i) {
    const double wanted = (i + 0.5) / count;
    for (int step = 0; step < 50; ++step) {
      const double density = std::exp(-0.5 * x * x) * 0.3989422804014327;
      const double error = 0.5 * std::erfc(-x * 0.7071067811865476) - wanted;
      x -= error / density;
      if (std::fabs(error) < 1e-12) {
        break;
      }
    }
    values.push_back(float(x));
  }
  return values;
}

float normalScale(const QuantParams &grid) {
  static const std::vector<float> values = normalQuantiles();
  if (grid.isOdd) {
    return 0.7978845608F; // E|x| = sqrt(2 / pi).
  }
  return leastErrorScale(values, grid, -values.front() / float(grid.highest));
}

float weightScale(std::span<const float> weights, const QuantParams &grid,
                  WeightRange range) {
  double squares = 0;
  double sum = 0;
  float max = 0;
  for (const float w : weights) {
    squares += double(w) * double(w);
    sum += std::fabs(double(w));
    max = std::max(max, std::fabs(w));
  }
  const auto count = double(weights.size());
  float scale = max / float(grid.highest);
  if (range == WeightRange::Distribution) {
    scale = normalScale(grid) * float(std::sqrt(squares / count));
  } else if (grid.isOdd) {
    scale = float(sum / count); // The best one for signs.
  } else if (range == WeightRange::Mse && max > 0) {
    scale = leastErrorScale(weights, grid, scale);
  }
  return std::isnormal(scale) && std::isfinite(1.0F / scale) ? scale : 1.0F;
}

} // namespace lpgen::posttraining
