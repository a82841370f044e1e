// Texts of GEMMs and convolutions over the axes that kernels depend on: widths
// and encodings of both operands, sizes around tiles and groups, geometry, zero
// points, borders, epilogues, schedules.
#ifndef LPGEN_TESTS_DIFFERENTIAL_OPERATORS_H
#define LPGEN_TESTS_DIFFERENTIAL_OPERATORS_H

#include "base/types/ElementType.h"
#include "targets/Target.h"
#include "tests/differential/Harness.h"
#include <string>
#include <vector>

namespace lpgen::difftest {

/// GEMMs over those axes. Each schedule meets each type of x and each of w that
/// it takes, and any two values of the other axes stand together; see
/// Selection.h.
std::vector<TestCase> gemmSelection(const Target &target);
/// The same for convolutions, except that types need not meet every schedule:
/// those of GEMMs do.
std::vector<TestCase> convSelection(const Target &target);

/// Depthwise and grouped convolutions with each cell of the target that takes
/// x in lanes: shapes, sets of channels, types, borders and tiles in turn.
std::vector<TestCase> lanesSelection(const Target &target);

/// The target's cells that no target before it has: a level of an architecture
/// shares those of the levels below, which are tested there.
std::vector<const Cell *> cellsOf(const Target &target);

/// True if a target of the same architecture before this one has the cell, or
/// one of its name for narrower registers.
bool isTestedBefore(const Cell &cell, const Target &target);

/// True if that holds for a cell of the target. What its kernels have besides
/// cells is tested there too.
bool isLevel(const Target &target);

/// Of how many cases one is tried for a target: of 3 for a level, but in the
/// full run; of 1 for the others.
size_t thinning(const Target &target);
/// The schedules tried: the cost model's choice, `direct`, and every cell of
/// integers of `cellsOf`.
std::vector<std::string> schedulesOf(const Target &target);
/// How many tiles `withTile` knows.
constexpr size_t numTiles = 3;
/// The schedule with the tile of the cost model (0) or a forced one; `direct`
/// and the cost model's choice have no tile.
std::string withTile(const std::string &schedule, size_t tile);
/// The same with the first tile from `tile` on, around the end, that fits the
/// registers of the target.
std::string withFittingTile(const Target &target, const std::string &schedule,
                            size_t tile);

/// `y[i,j] = sum(k) x[i,k] * w[j,k]` into elements of type `sums`, or f32 of
/// f32.
std::string plainGemm(const std::string &name, ElementType x, ElementType w,
                      int64_t m, int64_t n, int64_t k,
                      const std::string &sums = "i32");

} // namespace lpgen::difftest

#endif // LPGEN_TESTS_DIFFERENTIAL_OPERATORS_H
