// Look-up tables of 16 or 64 bytes, which cells of several targets share: four
// or six bits of w choose an entry, the sum of the products of a group. Either
// digits of x choose one of constant tables, or x is stored as its tables.
#ifndef LPGEN_TARGETS_TABLES_H
#define LPGEN_TARGETS_TABLES_H

#include "targets/Cell.h"

namespace lpgen::tables {

/// What every cell has whose x chooses constant tables of `entries` bytes, for
/// digits of these widths. Each byte of a group of x chooses a table for as
/// many of its elements as for those of the others. Lanes, registers, costs and
/// the instruction are left to the target.
CellFacts lookupFacts(llvm::StringRef name, unsigned xBits, unsigned wBits,
                      unsigned entries = 16);
/// The same for a cell whose x is stored as tables of sums of digits of four
/// bits, `count` of them in a group, and w as single bits.
CellFacts storedFacts(llvm::StringRef name, int64_t count);

/// The table of `entries` bytes at `offset`, repeated in `lanes` bytes.
mlir::Value load(mlir::OpBuilder &b, mlir::Location loc, mlir::Value buffer,
                 mlir::Value offset, int64_t lanes, int64_t entries = 16);
/// The sum of the constant tables that the bytes of a group of x at `offset`
/// choose, for a cell with lookupFacts.
mlir::Value choose(mlir::OpBuilder &b, mlir::Location loc,
                   const CellFacts &facts, mlir::Value buffer,
                   mlir::Value offset);

} // namespace lpgen::tables

#endif // LPGEN_TARGETS_TABLES_H
