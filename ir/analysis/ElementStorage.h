// How a cell stores the elements of an operand: as they are, shifted, halved,
// or in planes of their digits.
#ifndef LPGEN_IR_ANALYSIS_ELEMENTSTORAGE_H
#define LPGEN_IR_ANALYSIS_ELEMENTSTORAGE_H

#include "ir/dialect/Lp.h"
#include "targets/Cell.h"

namespace lpgen {

/// How the elements of an operand are stored: stored = (value + offset) /
/// (halve ? 2 : 1), so value = scale * stored - offset.
struct ElementStorage {
  int64_t offset = 0;
  bool halve = false;
  StoredRange range;                 ///< Of the stored elements.
  llvm::SmallVector<int64_t> planes; ///< Coefficient of each plane, if any.
  int64_t scale() const { return halve ? 2 : 1; }
  /// Groups past the end and halo positions store zero.
  StoredRange rangeWithZero() const {
    return {std::min<int64_t>(range.lo, 0), std::max<int64_t>(range.hi, 0)};
  }
};

/// How `cell` stores elements of `type` in `range` as operand `kind`; nothing
/// if it cannot.
std::optional<ElementStorage> storageOf(ElementType type, StoredRange range,
                                        const CellFacts &cell,
                                        lp::OperandKind kind);

} // namespace lpgen

#endif // LPGEN_IR_ANALYSIS_ELEMENTSTORAGE_H
