// Numbers of a file, moved about.
#include "networks/import/Constant.h"
#include <algorithm>
#include <cmath>

namespace lpgen::importer {

bool Constant::isUniform() const {
  return !values.empty() && std::ranges::all_of(values, [&](double v) {
    return v == values.front();
  });
}

bool Constant::isIntegral() const {
  return isInteger || std::ranges::all_of(values, [](double v) {
           return std::trunc(v) == v && std::abs(v) <= 0x1p31;
         });
}

std::vector<int64_t> Constant::integers() const {
  std::vector<int64_t> result;
  result.reserve(values.size());
  for (const double value : values) {
    result.push_back(toInteger(value));
  }
  return result;
}

std::vector<float> Constant::floats() const {
  return {values.begin(), values.end()};
}

double Constant::broadcastAt(const Extents &indices) const {
  const size_t skipped = indices.size() - shape.size();
  int64_t position = 0;
  for (size_t d = 0; d < shape.size(); ++d) {
    position = position * shape[d] + (shape[d] == 1 ? 0 : indices[skipped + d]);
  }
  return values[size_t(position)];
}

Constant Constant::reshaped(Extents to) const {
  Constant result = *this;
  result.shape = std::move(to);
  return result;
}

Constant Constant::transposed(const std::vector<int> &order) const {
  Constant result = *this;
  for (size_t d = 0; d < order.size(); ++d) {
    result.shape[d] = shape[size_t(order[d])];
  }
  result.values.clear();
  Extents from(shape.size());
  forEachElement(result.shape, [&](const Extents &indices) {
    for (size_t d = 0; d < order.size(); ++d) {
      from[size_t(order[d])] = indices[d];
    }
    result.values.push_back(broadcastAt(from));
  });
  return result;
}

std::pair<double, double> rangeOf(const Constant &constant) {
  const auto [lowest, highest] = std::ranges::minmax(constant.values);
  return {lowest, highest};
}

int64_t toInteger(double number) {
  return std::isnan(number) ? 0 : int64_t(std::clamp(number, -0x1p62, 0x1p62));
}

int64_t elementCount(const Extents &shape) {
  double count = 1;
  for (const int64_t extent : shape) {
    count *= extent == batchExtent ? 1 : double(extent);
  }
  return toInteger(count);
}

bool broadcastsTo(const Extents &from, const Extents &to) {
  const std::optional<Extents> shape = broadcastShape(from, to);
  return from.size() <= to.size() && shape && *shape == to;
}

std::optional<Extents> broadcastShape(const Extents &a, const Extents &b) {
  Extents result(std::max(a.size(), b.size()), 1);
  for (size_t i = 0; i < result.size(); ++i) {
    const int64_t x = i < a.size() ? a[a.size() - 1 - i] : 1;
    const int64_t y = i < b.size() ? b[b.size() - 1 - i] : 1;
    if (x != y && x != 1 && y != 1) {
      return std::nullopt;
    }
    result[result.size() - 1 - i] = x == 1 ? y : x;
  }
  return result;
}

} // namespace lpgen::importer
