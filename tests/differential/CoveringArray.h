// Covering arrays: few rows that hold every pair of values of any two axes.
//
// A test over many axes has far more combinations than can be compiled, while
// most faults need one value or two values together. A pairwise array has every
// pair of values of every two axes in some row. The array is a function of its
// arguments alone, so that a failure can be found again.
#ifndef LPGEN_TESTS_DIFFERENTIAL_COVERINGARRAY_H
#define LPGEN_TESTS_DIFFERENTIAL_COVERINGARRAY_H

#include <cstddef>
#include <functional>
#include <vector>

namespace lpgen::difftest {

/// One value (its number) for each axis.
using Row = std::vector<size_t>;

enum class Pair {
  Forbidden, ///< The two values do not go together.
  Allowed,   ///< They may meet, but need not.
  Wanted     ///< Some row must hold both.
};

/// What is asked of value `a` of axis `axisA` beside value `b` of axis `axisB`;
/// called with axisA < axisB.
using PairRule =
    std::function<Pair(size_t axisA, size_t a, size_t axisB, size_t b)>;

/// The value of an axis that has none yet.
constexpr size_t unsetValue = ~size_t{0};

/// False if the values of a row, some of them unset, cannot stand together.
using RowRule = std::function<bool(const Row &row)>;

/// Rows that contain every wanted pair of values and no forbidden one, axis i
/// having sizes[i] values, and are possible by `isPossible`, if there is one.
/// For any values chosen so far there must be a value of each other axis that
/// may stand beside them; axes get theirs in order.
std::vector<Row> coverPairs(const std::vector<size_t> &sizes,
                            const PairRule &rule,
                            const RowRule &isPossible = {});

} // namespace lpgen::difftest

#endif // LPGEN_TESTS_DIFFERENTIAL_COVERINGARRAY_H
