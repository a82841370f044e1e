// The hot loops of emitted kernels, read from their assembly on any host: each
// cell's loop holds the instruction that does its work, keeps its accumulators
// in registers, and spends no more instructions on a multiply-accumulate than
// it did when the bound here was set.
#include "compiler/codegen/Mca.h"
#include "tests/asm/AsmLoops.h"
#include "tests/asm/Kernels.h"
#include "llvm/ADT/STLExtras.h"
#include <cstdio>
#include <gtest/gtest.h>

namespace lpgen::asmtest {
namespace {

/// A GEMM that suits a cell, and what its hot loop may cost.
struct CellCase {
  const char *target;
  const char *cell;
  const char *x;
  const char *w;
  /// Upper bound for instructions per multiply-accumulate (of one pair of
  /// planes, for planes) in the hot loop; measured, rounded up.
  double maxPerMac;
  /// Stores to the stack in a loop: LLVM fetches many tables or
  /// broadcasts early.
  long maxSpills = 0;
  int rows = 64; ///< Of x: one for cells that are made to stream w.
};

constexpr CellCase cellCases[] = {
    {"x86_avx2", "maddubs16", "u4", "s4", 0.10},
    {"x86_avx2", "maddubs32", "u8", "s7", 0.13},
    {"x86_avx2", "maddubs32x2", "u8", "s6", 0.12},
    {"x86_avx2", "maddubs32x4", "u8", "s5", 0.12},
    {"x86_avx2", "maddw", "s11", "s11", 0.20},
    {"x86_avx2", "maddw8", "s11", "s8", 0.20},
    {"x86_avx2", "maddubs16w4", "s8", "s4", 0.155, 0, 1},
    {"x86_avx2", "maddubs16w2", "s8", "t2", 0.135, 0, 1},
    {"x86_avx2", "maddubs16w1", "s8", "b1", 0.145, 0, 1},
    {"x86_avx2", "lookup11", "u1", "b1", 0.035},
    {"x86_avx2", "lookup21", "u2", "b1", 0.035},
    {"x86_avx2", "lookup22", "u2", "s2", 0.07},
    {"x86_avx2", "lookup41", "u4", "b1", 0.045},
    {"x86_avx2", "tables41", "u4", "b1", 0.032},
    {"x86_avx2", "tables41p", "u4", "b1", 0.034},
    {"x86_avx2", "nibble", "u2", "b1", 0.035},
    {"x86_avx2", "fma", "f32", "f32", 0.24},
    {"x86_avx2_vnni", "dpbusd", "u8", "s8", 0.065},
    {"x86_avx2_vnni", "dpwssd", "s11", "s11", 0.13},
    {"x86_avx2_vnni", "dpbusdw4", "s8", "s4", 0.12, 0, 1},
    {"x86_avx2_vnni", "dpbusdw2", "s8", "t2", 0.11, 0, 1},
    {"x86_avx2_vnni", "dpbusdw1", "s8", "b1", 0.115, 0, 1},
    {"x86_avx512", "maddubs16", "u4", "s4", 0.045},
    {"x86_avx512", "maddubs32", "u8", "s7", 0.06},
    {"x86_avx512", "maddubs32x2", "u8", "s6", 0.055},
    {"x86_avx512", "maddubs32x4", "u8", "s5", 0.055},
    {"x86_avx512", "maddw", "s11", "s11", 0.09},
    {"x86_avx512", "maddw8", "s11", "s8", 0.10},
    {"x86_avx512", "maddubs16w4", "s8", "s4", 0.08, 0, 1},
    {"x86_avx512", "maddubs16w2", "s8", "t2", 0.065, 2, 1},
    {"x86_avx512", "maddubs16w1", "s8", "b1", 0.06, 8, 1},
    {"x86_avx512", "lookup11", "u1", "b1", 0.016},
    {"x86_avx512", "lookup21", "u2", "b1", 0.016},
    {"x86_avx512", "lookup22", "u2", "s2", 0.03},
    {"x86_avx512", "lookup41", "u4", "b1", 0.029, 4},
    {"x86_avx512", "tables41", "u4", "b1", 0.016},
    {"x86_avx512", "tables41p", "u4", "b1", 0.018},
    {"x86_avx512", "nibble", "u2", "b1", 0.016},
    {"x86_avx512", "fma", "f32", "f32", 0.105},
    {"x86_avx512_vnni", "dpbusd", "u8", "s8", 0.0275},
    {"x86_avx512_vnni", "dpwssd", "s11", "s11", 0.055},
    {"x86_avx512_vnni", "dpbusdw4", "s8", "s4", 0.06, 0, 1},
    {"x86_avx512_vnni", "dpbusdw2", "s8", "t2", 0.05, 0, 1},
    {"x86_avx512_vnni", "dpbusdw1", "s8", "b1", 0.05, 0, 1},
    {"x86_avx512_vbmi", "permute11", "u1", "b1", 0.01},
    {"x86_avx512_vbmi", "permute21", "u2", "b1", 0.014},
    {"x86_avx512_vbmi", "permute22", "u2", "s2", 0.02},
    {"x86_avx512_vbmi", "popcntd", "u2", "b1", 0.008},
    {"arm_neon", "pair8", "u2", "b2", 0.10},
    {"arm_neon", "pair4", "u5", "b1", 0.12},
    {"arm_neon", "pair2", "u3", "b3", 0.14},
    {"arm_neon", "smlal16", "s4", "s4", 0.22},
    {"arm_neon", "smlal32", "s11", "s11", 0.44},
    {"arm_neon", "cnt", "u2", "b1", 0.03},
    {"arm_neon", "lookup11", "u1", "b1", 0.045},
    {"arm_neon", "lookup21", "u2", "b1", 0.045},
    {"arm_neon", "lookup22", "u2", "s2", 0.09},
    {"arm_neon", "lookup41", "u4", "b1", 0.08},
    {"arm_neon", "tables41", "u4", "b1", 0.06},
    {"arm_neon", "fma", "f32", "f32", 0.31},
    {"arm_neon_dotprod", "sdot", "s8", "s8", 0.09},
    {"arm_neon_dotprod", "udot", "u8", "u8", 0.09},
    {"arm_neon_i8mm", "usdot", "u8", "s8", 0.09},
    {"arm_neon_i8mm", "smmla", "s8", "s8", 0.06},
    {"arm_neon_i8mm", "ummla", "u8", "u8", 0.06},
    {"arm_neon_i8mm", "usmmla", "u8", "s8", 0.06},
};

std::string listing(const Loop &loop) {
  std::string text;
  for (const Instruction &instruction : loop) {
    text += "  " + instruction.str() + "\n";
  }
  return text;
}

class HotLoop : public testing::TestWithParam<CellCase> {};

/// Named in failures, instead of bytes; GoogleTest gives the name.
// NOLINTNEXTLINE(readability-identifier-naming)
void PrintTo(const CellCase &c, std::ostream *out) {
  *out << c.target << " " << c.cell;
}

TEST_P(HotLoop, HoldsTheInstructionAndSpillsNothing) {
  const CellCase &c = GetParam();
  const Target &target = *findTarget(c.target);
  const CellFacts &facts = cellNamed(target, c.cell).facts();
  const CompiledOp compiled =
      compileGemm(target, scheduleWith(facts), {c.x, c.w, c.rows, 128, 512});
  const std::vector<Loop> loops =
      innermostLoops(lastPhaseWith(compiled.assembly, facts.instruction));
  ASSERT_FALSE(loops.empty()) << compiled.assembly;
  const auto hot = llvm::max_element(loops, [&](const Loop &a, const Loop &b) {
    return countOf(a, facts.instruction) < countOf(b, facts.instruction);
  });
  const size_t work = countOf(*hot, facts.instruction);
  ASSERT_GT(work, 0U) << "no loop with " << facts.instruction.str() << "\n"
                      << compiled.assembly;
  // Tiles of fewer rows have loops of their own, perhaps with more steps.
  for (const Loop &loop : loops) {
    if (2 * countOf(loop, facts.instruction) >= work) {
      EXPECT_LE(llvm::count_if(loop, storesToStack), c.maxSpills)
          << listing(loop);
    }
  }
  const double macs = double(work) * facts.instructionMacs();
  const double perMac = double(hot->size()) / macs;
  std::printf("%s %s: %s; %zu instructions, %zu of them %s: %.4f per "
              "multiply-accumulate\n",
              c.target, c.cell, compiled.choices.front().schedule.c_str(),
              hot->size(), work, facts.instruction.str().c_str(), perMac);
  EXPECT_LE(perMac, c.maxPerMac) << listing(*hot);
}

INSTANTIATE_TEST_SUITE_P(Cells, HotLoop, testing::ValuesIn(cellCases),
                         [](const testing::TestParamInfo<CellCase> &info) {
                           return std::string(info.param.target) + "_" +
                                  info.param.cell;
                         });

/// A cell that is added must be added above, for one of the targets that have
/// it.
TEST(HotLoopCases, NameEveryCellThatHasAnInstruction) {
  for (const Target *target : allTargets()) {
    for (const Cell *cell : target->cells()) {
      const bool listed = llvm::any_of(cellCases, [&](const CellCase &c) {
        return cell == &cellNamed(*findTarget(c.target), c.cell);
      });
      EXPECT_EQ(listed, !cell->facts().instruction.empty())
          << target->desc().name << " " << cell->facts().name.str();
    }
  }
}

TEST(AsmLoops, FindInnermostLoopsOnly) {
  const std::vector<Loop> loops = innermostLoops("f:\n"
                                                 "  movq %rax, %rbx\n"
                                                 ".L1:\n"
                                                 "  incq %rax # counts\n"
                                                 ".L2:\n"
                                                 "  vmovdqu %ymm0, 8(%rsp)\n"
                                                 "  vmovdqu 8(%rsp), %ymm0\n"
                                                 "  jne .L2\n"
                                                 "  jne .L1\n"
                                                 "  retq\n");
  ASSERT_EQ(loops.size(), 1U);
  ASSERT_EQ(loops[0].size(), 3U);
  EXPECT_TRUE(storesToStack(loops[0][0]));
  EXPECT_FALSE(storesToStack(loops[0][1]));
  const std::vector<Loop> arm =
      innermostLoops(".LBB0_1:\n"
                     "\tsmlal\tv0.8h, v1.8b, v2.8b\n"
                     "\tsmlal2\tv3.8h, v1.16b, v2.16b\n"
                     "\tstr\tq0, [sp, #16]\n"
                     "\tcbnz\tx0, .LBB0_1\n");
  ASSERT_EQ(arm.size(), 1U);
  EXPECT_EQ(countOf(arm[0], "smlal"), 2U);
  EXPECT_TRUE(storesToStack(arm[0][2]));
}

} // namespace
} // namespace lpgen::asmtest
