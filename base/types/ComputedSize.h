// Run-time sizes that follow from others, such as the height of an image behind
// a strided convolution.
//
// The front end makes them, kernels compute and check them, and whoever calls a
// kernel finds with them the shapes of its outputs.
#ifndef LPGEN_BASE_TYPES_COMPUTEDSIZE_H
#define LPGEN_BASE_TYPES_COMPUTEDSIZE_H

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace lpgen {

/// A run-time size: number i of those that are given to a kernel, or ~i of
/// those that are computed.
using SizeId = int;

/// Of a size that is computed: i of ~i.
inline size_t computedNumber(SizeId size) {
  return static_cast<size_t>(~int64_t{size});
}

/// Where a size stands in a list of `numGiven` given ones and the computed ones
/// behind them.
inline size_t positionOf(SizeId size, size_t numGiven) {
  return size >= 0 ? static_cast<size_t>(size)
                   : numGiven + computedNumber(size);
}

/// The size that stands at `position` of such a list.
inline SizeId sizeAt(size_t position, size_t numGiven) {
  return position < numGiven ? static_cast<SizeId>(position)
                             : ~static_cast<SizeId>(position - numGiven);
}

struct SizeTerm {
  SizeId size = 0;
  int64_t coefficient = 0;
  bool operator==(const SizeTerm &other) const = default;
};

/// (sum of coefficient * size + constant) / divisor, of sizes that are given or
/// computed before.
struct ComputedSize {
  std::vector<SizeTerm> terms; ///< Sorted by size, no zero coefficients.
  int64_t constant = 0;
  int64_t divisor = 1; ///< At least 1.
  /// The division rounds down. Else sizes for which it does not come out even
  /// are refused.
  bool isFloor = false;
  bool operator==(const ComputedSize &other) const = default;
};

/// The value of `size` where `before` has the computed ones before it; nothing
/// if it is negative, no integer or beyond 64 bits.
std::optional<int64_t> valueOf(const ComputedSize &size,
                               std::span<const int64_t> given,
                               std::span<const int64_t> before);

/// The values of all computed sizes, or of those before the first that has
/// none.
std::vector<int64_t> valuesOf(std::span<const ComputedSize> sizes,
                              std::span<const int64_t> given);

/// "floordiv(h + 1, 2)": computed size `number`, with the names of those that
/// are given.
std::string sizeText(std::span<const ComputedSize> sizes, size_t number,
                     const std::function<std::string(size_t)> &nameOf);

} // namespace lpgen

#endif // LPGEN_BASE_TYPES_COMPUTEDSIZE_H
