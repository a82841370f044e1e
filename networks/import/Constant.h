// Values of an imported file that are known: weights, scales, shapes.
#ifndef LPGEN_NETWORKS_IMPORT_CONSTANT_H
#define LPGEN_NETWORKS_IMPORT_CONSTANT_H

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace lpgen::importer {

using Extents = std::vector<int64_t>;

/// An extent that is known only when the network runs.
constexpr int64_t batchExtent = -1;

/// Row-major numbers, integers or of binary32. Doubles hold both; integers
/// beyond 2^53 are the nearest double.
struct Constant {
  std::string name; ///< In the file.
  Extents shape;
  std::vector<double> values;
  bool isInteger = false;
  unsigned bits = 32; ///< Of an element in the file.
  bool isSigned = true;

  static Constant scalar(double value, bool isInteger = false) {
    return {"", {}, {value}, isInteger};
  }

  int64_t count() const { return int64_t(values.size()); }
  /// All values are the same one.
  bool isUniform() const;
  /// All values are integers that 32 bits hold.
  bool isIntegral() const;
  std::vector<int64_t> integers() const;
  std::vector<float> floats() const;
  /// The element at subscripts that are taken modulo 1 where the extent is 1,
  /// `indices` has at least as many, the last ones count.
  double broadcastAt(const Extents &indices) const;

  Constant reshaped(Extents to) const;
  /// Dimension i of the result is dimension order[i] of this one.
  Constant transposed(const std::vector<int> &order) const;
};

/// The least and the greatest value.
std::pair<double, double> rangeOf(const Constant &constant);

/// The number cut to an integer, at most 2^62 in size; 0 for NaN.
int64_t toInteger(double number);
/// The product of the extents, an open one counted as 1; at most 2^62.
int64_t elementCount(const Extents &shape);
/// A scale, say, has one element or those of a part of the dimensions.
bool broadcastsTo(const Extents &from, const Extents &to);

/// The shape to which both shapes are broadcast; nothing if they do not agree.
std::optional<Extents> broadcastShape(const Extents &a, const Extents &b);

/// Calls `visit` with the subscripts of each element in row-major order.
template <typename Visit>
void forEachElement(const Extents &shape, Visit visit) {
  int64_t count = 1;
  for (const int64_t extent : shape) {
    count *= extent;
  }
  Extents indices(shape.size(), 0);
  for (int64_t i = 0; i < count; ++i) {
    visit(indices);
    for (size_t d = shape.size(); d-- > 0;) {
      if (++indices[d] < shape[d]) {
        break;
      }
      indices[d] = 0;
    }
  }
}

} // namespace lpgen::importer

#endif // LPGEN_NETWORKS_IMPORT_CONSTANT_H
