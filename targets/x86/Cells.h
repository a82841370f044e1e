// The cells of x86, for registers of 256 and of 512 bits.
#ifndef LPGEN_TARGETS_X86_CELLS_H
#define LPGEN_TARGETS_X86_CELLS_H

#include "targets/Cell.h"

namespace lpgen::x86 {

/// The vector registers of a cell and their bits.
enum class Width : unsigned { Ymm = 256, Zmm = 512 };

/// u8 x s8, pairs summed into 16-bit lanes (vpmaddubsw, vpaddw), widened by
/// vpmaddwd.
const Cell &maddubs16Cell(Width width);
/// u8 x s8 into 32-bit lanes at once (vpmaddubsw, vpmaddwd, vpaddd).
const Cell &maddubs32Cell(Width width);
/// s16 x s16 into 32-bit lanes (vpmaddwd, vpaddd).
const Cell &maddwCell(Width width);
/// The same with w of 8 bits in memory (vpmovsxbw).
const Cell &maddw8Cell(Width width);
/// u8 x s8, groups of four into 32-bit lanes (vpdpbusd). Needs AVX-VNNI for
/// 256 bits, AVX512-VNNI for 512, as does the next one.
const Cell &dpbusdCell(Width width);
/// s16 x s16, groups of two into 32-bit lanes (vpdpwssd).
const Cell &dpwssdCell(Width width);
/// s8 x unsigned elements of w of 4, 2 or 1 bits, packed in memory and taken
/// apart in registers (vpand, vpsrlw): into 16-bit lanes (vpmaddubsw, vpaddw).
const Cell &maddubs16w4Cell(Width width);
const Cell &maddubs16w2Cell(Width width);
const Cell &maddubs16w1Cell(Width width);
/// The same into 32-bit lanes (vpdpbusd), for which see dpbusdCell.
const Cell &dpbusdw4Cell(Width width);
const Cell &dpbusdw2Cell(Width width);
const Cell &dpbusdw1Cell(Width width);
/// Planes of digits: x chooses a constant table, w its entry (vpshufb, vpaddb).
/// The numbers are the bits of a digit of x and of w.
const Cell &lookup11Cell(Width width);
const Cell &lookup21Cell(Width width);
const Cell &lookup22Cell(Width width);
const Cell &lookup41Cell(Width width);
/// The same with tables of 64 entries (vpermb). Needs VBMI, registers of 512
/// bits.
const Cell &permute11Cell();
const Cell &permute21Cell();
const Cell &permute22Cell();
/// Likewise of 16 entries where groups of x are stored as their tables.
const Cell &tables41Cell(Width width);
/// The same where a byte of w has two groups.
const Cell &packedTables41Cell(Width width);
/// Bit planes in groups of 32 into 32-bit lanes (vpandd, vpopcntd, vpaddd).
/// Needs VPOPCNTDQ.
const Cell &popcntdCell(Width width);
/// Bit planes in groups of 4, counted by a 16-entry table (vpand, vpshufb,
/// vpaddb).
const Cell &nibbleCell(Width width);

} // namespace lpgen::x86

#endif // LPGEN_TARGETS_X86_CELLS_H
