// Which schedules must apply to a product, from the table of cells alone.
//
// The compiler decides the same in its own way (planPackedForm). A fault there
// that refuses types makes kernels slower, not wrong, so only this finds it.
#ifndef LPGEN_TESTS_DIFFERENTIAL_LEGALITY_H
#define LPGEN_TESTS_DIFFERENTIAL_LEGALITY_H

#include "base/types/ElementType.h"
#include "targets/Target.h"
#include <optional>
#include <string>

namespace lpgen::difftest {

/// True if `cell` multiplies operands of types `x` and `w`.
bool takes(const Cell &cell, ElementType x, ElementType w);

/// Whether the tile of `schedule`, one of `schedulesOf(target)` with or without
/// a tile, fits the registers of the target.
bool fitsRegisters(const Target &target, const std::string &schedule);

/// Whether `schedule`, one of `schedulesOf(target)` with or without a tile,
/// applies to a product of `x` and `w` whose loops allow any; nothing for "".
std::optional<bool> mustApply(const Target &target, const std::string &schedule,
                              ElementType x, ElementType w);

} // namespace lpgen::difftest

#endif // LPGEN_TESTS_DIFFERENTIAL_LEGALITY_H
