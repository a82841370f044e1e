// One permutation of channels, applied wherever they stand.
#include "training/posttraining/PointOrder.h"
#include <algorithm>
#include <numeric>

namespace lpgen::posttraining {

/// Points of each filter, up to its last one with codes.
static std::vector<size_t> countPoints(const LayerIntegers &layer) {
  const size_t filters = layer.points[0].scales.size();
  std::vector<size_t> counts(filters, 1);
  for (size_t p = 1; p < layer.points.size(); ++p) {
    const std::vector<int32_t> &codes = layer.points[p].codes;
    for (size_t i = 0; i < codes.size(); ++i) {
      if (codes[i] != 0) {
        counts[i / (codes.size() / filters)] = p + 1;
      }
    }
  }
  return counts;
}

/// Rows of `length` elements, row order[i] at place i.
template <typename T>
static void sortRows(const std::vector<size_t> &order, size_t length,
                     std::span<T> rows) {
  const std::vector<T> before(rows.begin(), rows.end());
  for (size_t i = 0; i < order.size(); ++i) {
    std::copy_n(before.begin() + int64_t(order[i] * length), length,
                rows.begin() + int64_t(i * length));
  }
}

void orderByPoints(LayerIntegers &layer, std::span<float> offsets,
                   LayerIntegers &next) {
  if (layer.points.size() < 2) {
    return;
  }
  const std::vector<size_t> counts = countPoints(layer);
  const size_t filters = counts.size();
  std::vector<size_t> order(filters);
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::sort(order, [&](size_t a, size_t b) {
    return counts[a] != counts[b] ? counts[a] > counts[b] : a < b;
  });
  sortRows(order, 1, offsets);
  for (size_t p = 0; p < layer.points.size(); ++p) {
    WeightPoint &point = layer.points[p];
    const size_t length = point.codes.size() / filters;
    sortRows(order, length, std::span(point.codes));
    sortRows(order, 1, std::span(point.scales));
    const auto kept = size_t(
        std::ranges::count_if(counts, [&](size_t count) { return count > p; }));
    point.codes.resize(kept * length);
    point.scales.resize(kept);
  }
  std::erase_if(layer.points,
                [](const WeightPoint &point) { return point.scales.empty(); });
  for (WeightPoint &point : next.points) {
    for (size_t i = 0; i < point.codes.size(); i += filters) {
      sortRows(order, 1, std::span(point.codes).subspan(i, filters));
    }
  }
}

} // namespace lpgen::posttraining
