// Shared by the selections of Operators.h: rows of axes, and what they mean.
#ifndef LPGEN_TESTS_DIFFERENTIAL_SELECTION_H
#define LPGEN_TESTS_DIFFERENTIAL_SELECTION_H

#include "base/types/ElementType.h"
#include "targets/Target.h"
#include "tests/differential/CoveringArray.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include <optional>
#include <string>
#include <vector>

namespace lpgen::difftest {

struct TypeChoice {
  ElementType x;
  ElementType w;
};

/// Encodings by number: unsigned, signed, bipolar, ternary (of 2 bits).
ElementType elementType(size_t encoding, unsigned bits);

/// What the pair of widths must meet every value of.
enum class WidthsMeet { Encodings, EncodingsAndSchedules };

/// Rows whose axes 0 to 3 are the pair of widths, both encodings and the
/// schedule, and whose last is the tile; `others` has the sizes of the axes
/// between.
std::vector<Row> selectRows(const Target &target, WidthsMeet widthsMeet,
                            const std::vector<size_t> &others);
using RowRule = llvm::function_ref<bool(const Row &)>;
/// `rows`, thinned for levels. A row that is not good, as its schedule does not
/// apply, tries nothing else: what stood in such rows only is tried in further
/// ones, and every schedule has a good one.
std::vector<Row> completed(std::vector<Row> rows, const Target &target,
                           RowRule isGood);
TypeChoice typesOf(const Row &row);
/// The schedule of a row, with its tile.
std::string scheduleOf(const Target &target, const Row &row);

/// The declaration of a zero point within x's type.
std::string zeroPointInput(ElementType x);

} // namespace lpgen::difftest

#endif // LPGEN_TESTS_DIFFERENTIAL_SELECTION_H
