// Filter by filter; then the filters that lost most get what is left of them as
// another point.
#include "training/posttraining/FilterIntegers.h"
#include "training/posttraining/InputMoments.h"
#include "training/posttraining/LearnedRounding.h"
#include "training/posttraining/Multipoint.h"
#include <algorithm>
#include <numeric>

namespace lpgen::posttraining {

static WeightPoint emptyPoint(const nn::FloatTensor &weight,
                              const QuantParams &grid) {
  WeightPoint point;
  point.grid = grid;
  point.codes.assign(size_t(weight.size()), 0);
  point.scales.assign(size_t(weight.extent(0)), 1.0F);
  return point;
}

/// Of an output.
static double errorOf(std::span<const float> rest,
                      const nn::FloatTensor &moments) {
  return moments.size() > 0
             ? varianceOf(rest, moments)
             : std::inner_product(rest.begin(), rest.end(), rest.begin(), 0.0);
}

/// The filters that lose most, by what is left of each of its variance.
static std::vector<size_t> worstFilters(const nn::FloatTensor &weight,
                                        const nn::FloatTensor &rest,
                                        const nn::FloatTensor &moments,
                                        double share) {
  const auto outputs = size_t(weight.extent(0));
  const auto length = size_t(weight.sliceSize());
  std::vector<double> lost(outputs);
  for (size_t o = 0; o < outputs; ++o) {
    const double all =
        errorOf(weight.values().subspan(o * length, length), moments);
    const double left =
        errorOf(rest.values().subspan(o * length, length), moments);
    lost[o] = all > 0 ? left / all : 0;
  }
  std::vector<size_t> order(outputs);
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::sort(order, [&](size_t a, size_t b) {
    return lost[a] != lost[b] ? lost[a] > lost[b] : a < b;
  });
  order.resize(size_t(std::ceil(share * double(outputs))));
  std::erase_if(order, [&](size_t o) { return lost[o] == 0; });
  return order;
}

std::vector<WeightPoint> filterIntegers(const nn::FloatTensor &weight, int bits,
                                        const Methods &methods,
                                        const nn::FloatTensor &moments) {
  const QuantParams grid = weightGrid(bits);
  const auto outputs = size_t(weight.extent(0));
  const auto length = size_t(weight.sliceSize());
  std::vector<WeightPoint> points = {emptyPoint(weight, grid)};
  nn::FloatTensor rest = weight;
  std::optional<LearnedRounding> rounding;
  if (moments.size() > 0) {
    rounding.emplace(moments);
  }
  for (size_t o = 0; o < outputs; ++o) {
    const auto filter = weight.values().subspan(o * length, length);
    const auto codes = std::span(points[0].codes).subspan(o * length, length);
    const float scale = weightScale(filter, grid, methods.scales);
    roundToNearest(filter, grid, scale, codes);
    if (rounding) {
      rounding->improve(filter, grid, scale, codes);
    }
    points[0].scales[o] = scale;
    for (size_t i = 0; i < length; ++i) {
      rest[int64_t(o * length + i)] -= scale * float(codes[i]);
    }
  }
  // A code of no weight is 0, which one bit has not.
  for (int p = 1; p < methods.points && !grid.isOdd; ++p) {
    WeightPoint point = emptyPoint(weight, grid);
    for (const size_t o :
         worstFilters(weight, rest, moments, methods.pointShare)) {
      const FilterPoint taken =
          takePoint(rest.values().subspan(o * length, length), grid);
      std::ranges::copy(taken.codes, point.codes.begin() + int64_t(o * length));
      point.scales[o] = taken.scale;
    }
    points.push_back(std::move(point));
  }
  return points;
}

} // namespace lpgen::posttraining
