// The cells of baseline NEON.
#ifndef LPGEN_TARGETS_ARM_NEON_CELLS_H
#define LPGEN_TARGETS_ARM_NEON_CELLS_H

#include "targets/Cell.h"

namespace lpgen::arm {

/// s8 x s8 into 16-bit lanes (smlal, smlal2), widened to 32.
const Cell &smlal16Cell();
/// s16 x s16 into 32-bit lanes (smlal, smlal2).
const Cell &smlal32Cell();
/// Bit planes in groups of 8 (and, cnt, add on bytes).
const Cell &cntCell();

} // namespace lpgen::arm

#endif // LPGEN_TARGETS_ARM_NEON_CELLS_H
