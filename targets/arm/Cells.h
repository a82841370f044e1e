// The cells of NEON: the parts of their table, and what their emitters share.
#ifndef LPGEN_TARGETS_ARM_CELLS_H
#define LPGEN_TARGETS_ARM_CELLS_H

#include "targets/Cell.h"

namespace lpgen::arm {

/// Multiplications and population counts (Cells.cpp).
std::vector<CellRow> productRows();
/// Look-ups of sums of products (TableCells.cpp).
std::vector<CellRow> tableRows();

/// Bytes added, of which no sum reaches 256. Saturating, as fast as a plain
/// addition: LLVM does not regroup its terms, which would take a second
/// register for each accumulator and spill the tile.
mlir::Value addBytes(mlir::OpBuilder &b, mlir::Location loc, mlir::Value lhs,
                     mlir::Value rhs);

} // namespace lpgen::arm

#endif // LPGEN_TARGETS_ARM_CELLS_H
