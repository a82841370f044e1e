// Few codes can be worth a smaller step, which clips more weights: with learned
// rounding, several steps are tried.
#include "training/posttraining/Multipoint.h"

namespace lpgen::posttraining {

/// The scale of least squares.
static float scaleOfLeastSquares(std::span<const float> weights,
                                 std::span<const int32_t> codes) {
  double product = 0;
  double squares = 0;
  for (size_t i = 0; i < weights.size(); ++i) {
    product += double(weights[i]) * codes[i];
    squares += double(codes[i]) * codes[i];
  }
  return squares > 0 ? float(product / squares) : 0;
}

static FilterPoint nearestPoint(std::span<const float> weights,
                                const QuantParams &grid, float scale) {
  FilterPoint point = {std::vector<int32_t>(weights.size()), scale};
  roundToNearest(weights, grid, scale, point.codes);
  return point;
}

static FilterPoint learnedPoint(std::span<const float> weights,
                                const QuantParams &grid, float scale,
                                WeightRange range,
                                const LearnedRounding &rounding) {
  FilterPoint best;
  double least = 0;
  // Steps of 4 bits and less are coarse enough for others to be better.
  const int tries = range == WeightRange::Max || grid.highest > 7 ? 1 : 4;
  for (int i = 0; i < tries; ++i) {
    FilterPoint point =
        nearestPoint(weights, grid, scale * (1 - 0.1F * float(i)));
    rounding.improve(weights, grid, point.scale, point.codes);
    const float fitted = rounding.fittedScale(weights, point.codes);
    if (range != WeightRange::Max && fitted > 0) {
      point.scale = fitted;
    }
    const double error = rounding.error(weights, point.scale, point.codes);
    if (i == 0 || error < least) {
      least = error;
      best = std::move(point);
    }
  }
  return best;
}

FilterPoint takePoint(std::span<float> rest, const QuantParams &grid,
                      WeightRange range, const LearnedRounding *rounding) {
  const float scale = weightScale(rest, grid, range);
  FilterPoint point = rounding
                          ? learnedPoint(rest, grid, scale, range, *rounding)
                          : nearestPoint(rest, grid, scale);
  if (!rounding && range != WeightRange::Max) {
    const float fitted = scaleOfLeastSquares(rest, point.codes);
    point.scale = fitted > 0 ? fitted : scale;
  }
  for (size_t i = 0; i < rest.size(); ++i) {
    rest[i] -= point.scale * float(point.codes[i]);
  }
  return point;
}

} // namespace lpgen::posttraining
