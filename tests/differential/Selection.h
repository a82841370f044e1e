// Rows of the axes on which kernels depend, few that have much: what the
// selections of Operators.h have in common.
//
// The first axes are the type of x, that of w and the schedule, the last one is
// the tile. Only what the table of cells allows is a row, so that every
// schedule of a row applies.
#ifndef LPGEN_TESTS_DIFFERENTIAL_SELECTION_H
#define LPGEN_TESTS_DIFFERENTIAL_SELECTION_H

#include "base/types/ElementType.h"
#include "targets/Target.h"
#include "tests/differential/CoveringArray.h"
#include <string>
#include <vector>

namespace lpgen::difftest {

struct TypeChoice {
  ElementType x;
  ElementType w;
};

/// u1 to u8, s1 to s8, b1 to b8, t2.
std::vector<ElementType> narrowTypes();

/// Numbers of the first axes of a row.
constexpr size_t xAxis = 0;
constexpr size_t wAxis = 1;
constexpr size_t scheduleAxis = 2;
/// That of the first of `Axes::others`.
constexpr size_t firstOther = 3;

/// What a selection has beside types, schedule and tile.
struct Axes {
  std::vector<size_t> others; ///< Numbers of values.
  /// Each schedule meets each width of x and of w that it takes, in one of its
  /// encodings, and those of 1 and 8 bits in each.
  bool typesMeetSchedules = false;
  /// Whether a schedule goes with a value of another axis.
  std::function<bool(const std::string &schedule, size_t axis, size_t value)>
      allows;
};

/// The rows tried for a target. They have each pair of widths; each encoding of
/// x and of w with each value of the axes behind the schedule; any two values
/// of those and the schedule; types and schedules as `axes` says. A level of an
/// architecture has each schedule with each value of the shorter axes behind.
/// The full run has every pair of types with every schedule that takes it.
std::vector<Row> selectRows(const Target &target, const Axes &axes);

TypeChoice typesOf(const Row &row);
/// The schedule of a row, with its tile.
std::string scheduleOf(const Target &target, const Row &row);

/// The declaration of a zero point within x's type.
std::string zeroPointInput(ElementType x);

} // namespace lpgen::difftest

#endif // LPGEN_TESTS_DIFFERENTIAL_SELECTION_H
