// Low-bit GEMMs on a Cortex-A53 by its published issue rules:
// multiply-accumulates a cycle of the hot loop, and of a strip of steps with
// the widening of its sums.
#include "compiler/codegen/Mca.h"
#include "tests/asm/AsmLoops.h"
#include "tests/asm/CortexA53.h"
#include "tests/asm/Kernels.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include <cstdio>
#include <gtest/gtest.h>

namespace lpgen::asmtest {
namespace {

/// A pair of types, the best cell and tile for it, and what they reach.
struct A53Case {
  const char *cell;
  const char *x;
  const char *w;
  int64_t planePairs;
  int64_t rows;
  int64_t vectors;
  /// Steps before the sums are widened outside the hot loop; 0 if not there.
  int64_t stripSteps;
  double hotMacs;   ///< At least, a cycle, in the hot loop.
  double stripMacs; ///< Likewise with the loop around it.
};

constexpr A53Case a53Cases[] = {
    {"cnt", "u1", "b1", 1, 4, 4, 29, 31, 28.5},
    {"lookup21", "u2", "b1", 1, 4, 4, 21, 20, 17.5},
    {"tables41", "u2", "b1", 1, 4, 4, 21, 21, 18},
    {"tables41", "u4", "b1", 1, 4, 4, 0, 13, 0}, // widened in the hot loop
    {"lookup22", "u2", "s2", 1, 4, 4, 14, 10, 8.4},
    {"pair8", "u2", "s2", 1, 5, 2, 0, 9, 0},
};

class CortexA53 : public testing::TestWithParam<A53Case> {};

/// Named in failures, instead of bytes; GoogleTest gives the name.
// NOLINTNEXTLINE(readability-identifier-naming)
void PrintTo(const A53Case &c, std::ostream *out) { *out << c.cell; }

TEST_P(CortexA53, ReachesItsRate) {
  const A53Case &c = GetParam();
  const Target &target = *findTarget("arm_neon");
  const CellFacts &facts = cellNamed(target, c.cell).facts();
  const CompiledOp compiled = compileGemm(
      target,
      scheduleWith(facts, llvm::formatv("tile=[{0},{1}]", c.rows, c.vectors)),
      {c.x, c.w, 8 * c.rows, 128, 1152});
  const HotNest nest = findHotNest(
      lastPhaseWith(compiled.assembly, facts.instruction), facts.instruction);
  const auto countIn = [&](const Loop &loop) {
    return static_cast<int64_t>(countOf(loop, facts.instruction));
  };
  const int64_t hotCount = countIn(nest.hot);
  ASSERT_GT(hotCount, 0) << compiled.assembly;
  const double macs = facts.instructionMacs() / double(c.planePairs);
  const double hot = macs * double(hotCount);
  const A53Cycles cycles = cyclesOnCortexA53(nest.hot);

  std::printf("%s x %s, %s: hot loop %.1f MAC/cycle (%.1f by issue alone)\n",
              c.w, c.x, compiled.choices.front().schedule.c_str(),
              hot / cycles.inOrder, hot / cycles.issue);
  EXPECT_GE(hot / cycles.inOrder, c.hotMacs);
  if (c.stripSteps == 0) {
    return;
  }
  // Trips of the hot loop in a strip: its work less what stands around it.
  const int64_t work = int64_t(double(c.rows * c.vectors * c.stripSteps) /
                               facts.instructionSteps);
  const int64_t inside = work - countIn(nest.before) - countIn(nest.behind);
  ASSERT_GT(inside, 0);
  ASSERT_EQ(inside % hotCount, 0)
      << work << " expected in a strip, " << hotCount << " in the hot loop";
  Loop strip = nest.before;
  for (int64_t trip = 0; trip < inside / hotCount; ++trip) {
    llvm::append_range(strip, nest.hot);
  }
  llvm::append_range(strip, nest.behind);
  const A53Cycles whole = cyclesOnCortexA53(strip);
  const double stripMacs = macs * double(work);
  std::printf("  with widening %.1f MAC/cycle (%.1f)\n",
              stripMacs / whole.inOrder, stripMacs / whole.issue);
  EXPECT_GE(stripMacs / whole.inOrder, c.stripMacs);
}

INSTANTIATE_TEST_SUITE_P(Cells, CortexA53, testing::ValuesIn(a53Cases),
                         [](const testing::TestParamInfo<A53Case> &info) {
                           return std::string(info.param.cell) + "_" +
                                  info.param.x + "_" + info.param.w + "_" +
                                  std::to_string(info.param.vectors);
                         });

TEST(CortexA53Choice, IsTheFastestCell) {
  struct Choice {
    const char *x;
    const char *w;
    const char *schedule; ///< The beginning of it.
  };
  constexpr Choice choices[] = {
      {"u1", "b1", "bitserial<cell=cnt,"}, {"u2", "b1", "lut<cell=lookup21,"},
      {"u4", "b1", "lut<cell=tables41,"},  {"u8", "b1", "lut<cell=tables41,"},
      {"u2", "s2", "widen<cell=pair8,"},   {"u3", "s3", "widen<cell=pair2,"},
      {"s4", "s4", "widen<cell=smlal16,"},
  };
  for (const Choice &c : choices) {
    const CompiledOp compiled =
        compileGemm(*findTarget("arm_neon"), "", {c.x, c.w, 56, 128, 1152});
    ASSERT_EQ(compiled.choices.size(), 1U);
    EXPECT_TRUE(
        llvm::StringRef(compiled.choices[0].schedule).starts_with(c.schedule))
        << c.w << " x " << c.x << ": " << compiled.choices[0].schedule;
  }
}

double issueCycles(const Loop &loop) { return cyclesOnCortexA53(loop).issue; }

/// Single instructions and pairs, as published.
TEST(CortexA53Rules, GiveThePublishedCycles) {
  const Instruction arithmetic = {"add", "v0.16b, v1.16b, v2.16b"};
  const Instruction half = {"add", "v3.8b, v4.8b, v5.8b"};
  const Instruction load64 = {"ldr", "d6, [x0]"};
  const Instruction load128 = {"ldr", "q7, [x0, #16]"};
  const Instruction loadGeneral = {"ldr", "x8, [x0]"};
  const Instruction insert = {"mov", "v9.d[1], x10"};
  const Instruction pointer = {"add", "x11, x12, #16"};
  EXPECT_EQ(issueCycles({arithmetic}), 1);
  EXPECT_EQ(issueCycles({load128}), 2);
  EXPECT_EQ(issueCycles({{"ldp", "q0, q1, [x0]"}}), 4);
  EXPECT_EQ(issueCycles({{"ldp", "d0, d1, [x0]"}}), 2);
  EXPECT_EQ(issueCycles({load128, arithmetic}), 3);
  EXPECT_EQ(issueCycles({load64, arithmetic}), 2);
  EXPECT_EQ(issueCycles({load64, half}), 1);
  EXPECT_EQ(issueCycles({half, {"add", "v6.8b, v7.8b, v8.8b"}}), 1);
  EXPECT_EQ(issueCycles({arithmetic, {"sub", "v3.4s, v4.4s, v5.4s"}}), 2);
  EXPECT_EQ(issueCycles({arithmetic, loadGeneral}), 1);
  EXPECT_EQ(issueCycles({arithmetic, pointer}), 1);
  EXPECT_EQ(issueCycles({insert, load64}), 1);
  EXPECT_EQ(issueCycles({insert, {"mov", "v11.d[1], x12"}}), 1);
  // Not beside what it needs: the loaded register.
  EXPECT_EQ(issueCycles({{"ldr", "d9, [x0]"}, insert}), 2);
}

TEST(CortexA53Rules, WaitForResults) {
  const Instruction chain = {"add", "v0.16b, v0.16b, v1.16b"};
  EXPECT_EQ(cyclesOnCortexA53({chain}).inOrder, 4);
  EXPECT_EQ(cyclesOnCortexA53({{"add", "x0, x0, #1"}}).inOrder, 1);
  EXPECT_EQ(cyclesOnCortexA53({{"ldr", "q0, [x0], #16"}}).inOrder, 2);
  EXPECT_EQ(cyclesOnCortexA53({{"ldr", "x0, [x0]"}}).inOrder, 3);
  EXPECT_EQ(cyclesOnCortexA53({{"umlal", "v0.8h, v1.8b, v2.8b"}}).inOrder, 4);
}

} // namespace
} // namespace lpgen::asmtest
