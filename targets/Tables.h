// Look-up tables of 16 bytes, which cells of several targets share: four bits
// of w choose an entry, the sum of the products of a group. Either digits of x
// choose one of constant tables, or x is stored as its tables.
#ifndef LPGEN_TARGETS_TABLES_H
#define LPGEN_TARGETS_TABLES_H

#include "targets/Cell.h"

namespace lpgen::tables {

/// Bytes of a group of x whose digits choose tables, as many as tables: a byte
/// chooses one of 256.
constexpr int64_t bytesOfX(unsigned xBits, unsigned wBits) {
  return (4 / wBits * xBits + 7) / 8;
}

/// What every cell has whose x chooses constant tables, for digits of these
/// widths. Lanes, registers, costs and the instruction are left to the target.
CellFacts lookupFacts(llvm::StringRef name, unsigned xBits, unsigned wBits);
/// The same for a cell whose x is stored as tables of sums of digits of four
/// bits, `count` of them in a group, and w as single bits.
CellFacts storedFacts(llvm::StringRef name, int64_t count);

/// The table of 16 bytes at `offset`, repeated in `lanes` bytes.
mlir::Value load(mlir::OpBuilder &b, mlir::Location loc, mlir::Value buffer,
                 mlir::Value offset, int64_t lanes);
/// The sum of the constant tables that the bytes of a group of x at `offset`
/// choose, for a cell with lookupFacts.
mlir::Value choose(mlir::OpBuilder &b, mlir::Location loc,
                   const CellFacts &facts, mlir::Value buffer,
                   mlir::Value offset);

} // namespace lpgen::tables

#endif // LPGEN_TARGETS_TABLES_H
