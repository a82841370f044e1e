// Filter by filter; then the filters that lost most get what is left of them as
// another point.
#include "training/posttraining/FilterIntegers.h"
#include "training/posttraining/InputMoments.h"
#include "training/posttraining/Multipoint.h"
#include <algorithm>
#include <numeric>

namespace lpgen::posttraining {

namespace {
/// The filters of a layer while points are taken out of them.
class Filters {
public:
  Filters(const nn::FloatTensor &weight, const QuantParams &grid,
          const nn::FloatTensor &moments)
      : grid(grid), moments(moments), rest(weight),
        outputs(size_t(weight.extent(0))), length(size_t(weight.sliceSize())) {
    if (moments.size() > 0) {
      rounding.emplace(moments);
    }
    for (size_t o = 0; o < outputs; ++o) {
      power.push_back(errorOf(o));
    }
  }

  WeightPoint first(WeightRange range) {
    WeightPoint point = zeros();
    for (size_t o = 0; o < outputs; ++o) {
      put(takePoint(filter(o), grid, range, rounded()), o, point);
    }
    return point;
  }

  /// Of the filters that lost most; one that gains nothing gets zeros.
  WeightPoint next(double share) {
    WeightPoint point = zeros();
    for (const size_t o : worst(share)) {
      const std::vector<float> before(filter(o).begin(), filter(o).end());
      const double lost = errorOf(o);
      const FilterPoint taken =
          takePoint(filter(o), grid, WeightRange::Mse, rounded());
      if (errorOf(o) < lost) {
        put(taken, o, point);
      } else {
        std::ranges::copy(before, filter(o).begin());
      }
    }
    return point;
  }

private:
  std::span<float> filter(size_t o) {
    return rest.values().subspan(o * length, length);
  }
  const LearnedRounding *rounded() const {
    return rounding ? &*rounding : nullptr;
  }
  WeightPoint zeros() const {
    WeightPoint point;
    point.grid = grid;
    point.codes.assign(outputs * length, 0);
    point.scales.assign(outputs, 1.0F);
    return point;
  }
  void put(const FilterPoint &from, size_t o, WeightPoint &to) const {
    std::ranges::copy(from.codes, to.codes.begin() + int64_t(o * length));
    to.scales[o] = from.scale;
  }
  /// What is left of a filter, in the output or, without moments, in itself.
  double errorOf(size_t o) {
    const std::span<const float> left = filter(o);
    return rounding ? varianceOf(left, moments)
                    : std::inner_product(left.begin(), left.end(), left.begin(),
                                         0.0);
  }
  /// By what is left of each filter's own power.
  std::vector<size_t> worst(double share) {
    std::vector<double> lost(outputs);
    for (size_t o = 0; o < outputs; ++o) {
      lost[o] = power[o] > 0 ? errorOf(o) / power[o] : 0;
    }
    std::vector<size_t> order(outputs);
    std::iota(order.begin(), order.end(), size_t{0});
    std::ranges::sort(order, [&](size_t a, size_t b) {
      return lost[a] != lost[b] ? lost[a] > lost[b] : a < b;
    });
    order.resize(size_t(std::ceil(share * double(outputs))));
    return order;
  }

  QuantParams grid;
  const nn::FloatTensor &moments;
  nn::FloatTensor rest; ///< What no point has taken yet.
  size_t outputs;
  size_t length;
  std::optional<LearnedRounding> rounding;
  std::vector<double> power;
};
} // namespace

std::vector<WeightPoint> filterIntegers(const nn::FloatTensor &weight, int bits,
                                        const Methods &methods,
                                        const nn::FloatTensor &moments) {
  const QuantParams grid = weightGrid(bits);
  Filters filters(weight, grid, moments);
  std::vector<WeightPoint> points = {filters.first(methods.scales)};
  // 8 bits leave nothing to add; a code of no weight is 0, which one bit lacks.
  const bool takesMore = bits > 1 && bits < 8;
  while (takesMore && int(points.size()) < methods.points) {
    points.push_back(filters.next(methods.pointShare));
  }
  return points;
}

} // namespace lpgen::posttraining
