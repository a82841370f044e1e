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

/// True if value `a` of axis `axisA` may stand beside value `b` of axis
/// `axisB`; called with axisA < axisB.
using PairAllowed =
    std::function<bool(size_t axisA, size_t a, size_t axisB, size_t b)>;

/// Rows that contain every allowed pair of values, axis i having sizes[i]
/// values. Rows hold no forbidden pair. For any values chosen so far there must
/// be an allowed value of each other axis.
std::vector<Row> coverPairs(const std::vector<size_t> &sizes,
                            const PairAllowed &allowed);

} // namespace lpgen::difftest

#endif // LPGEN_TESTS_DIFFERENTIAL_COVERINGARRAY_H
