// The cells of AVX2.
#ifndef LPGEN_TARGETS_X86_AVX2_CELLS_H
#define LPGEN_TARGETS_X86_AVX2_CELLS_H

#include "targets/Cell.h"

namespace lpgen::x86 {

/// u8 x s8, pairs summed into 16-bit lanes (vpmaddubsw, vpaddw), widened by
/// vpmaddwd.
const Cell &maddubs16Cell();
/// u8 x s8 into 32-bit lanes at once (vpmaddubsw, vpmaddwd, vpaddd).
const Cell &maddubs32Cell();
/// s16 x s16 into 32-bit lanes (vpmaddwd, vpaddd).
const Cell &maddwCell();
/// The same with w of 8 bits in memory (vpmovsxbw).
const Cell &maddw8Cell();
/// Planes of digits: x chooses a constant table, w its entry (vpshufb, vpaddb).
/// The numbers are the bits of a digit of x and of w.
const Cell &lookup11Cell();
const Cell &lookup21Cell();
const Cell &lookup22Cell();
const Cell &lookup41Cell();
/// The same where groups of x are stored as their tables.
const Cell &tables41Cell();
/// Bit planes in groups of 4, counted by a 16-entry table (vpand, vpshufb,
/// vpaddb).
const Cell &nibbleCell();

} // namespace lpgen::x86

#endif // LPGEN_TARGETS_X86_AVX2_CELLS_H
