// The cells of NEON and of its levels.
#ifndef LPGEN_TARGETS_ARM_NEON_CELLS_H
#define LPGEN_TARGETS_ARM_NEON_CELLS_H

#include "targets/Cell.h"

namespace lpgen::arm {

/// s8 x s8 into 16-bit lanes (smlal, smlal2), widened to 32.
const Cell &smlal16Cell();
/// s16 x s16 into 32-bit lanes (smlal, smlal2).
const Cell &smlal32Cell();
/// s8 x s8, groups of four into 32-bit lanes (sdot by element).
const Cell &sdotCell();
/// The same for u8 x u8 (udot).
const Cell &udotCell();
/// The same for u8 x s8 (usdot, sudot by element). Needs i8mm.
const Cell &usdotCell();
/// s8 x s8, groups of eight of two rows and four columns (smmla). Needs i8mm,
/// as do the next two.
const Cell &smmlaCell();
/// The same for u8 x u8 (ummla).
const Cell &ummlaCell();
/// The same for u8 x s8 (usmmla).
const Cell &usmmlaCell();
/// Unsigned elements of few bits, two in a 16-bit multiplication (mla by
/// element, usra), whose sums of 2 steps fit a byte; of 4; of 8.
const Cell &pair2Cell();
const Cell &pair4Cell();
const Cell &pair8Cell();
/// Bit planes in groups of 8 (and, cnt, add on bytes).
const Cell &cntCell();
/// Planes of digits: x chooses a constant table, w its entry (tbl, add on
/// bytes). The numbers are the bits of a digit of x and of w.
const Cell &lookup11Cell();
const Cell &lookup21Cell();
const Cell &lookup22Cell();
const Cell &lookup41Cell();
/// The same where groups of x are stored as their tables.
const Cell &tables41Cell();

/// Bytes added, of which no sum reaches 256. Saturating, as fast as a plain
/// addition: LLVM does not regroup its terms, which would take a second
/// register for each accumulator and spill the tile.
mlir::Value addBytes(mlir::OpBuilder &b, mlir::Location loc, mlir::Value lhs,
                     mlir::Value rhs);

} // namespace lpgen::arm

#endif // LPGEN_TARGETS_ARM_NEON_CELLS_H
