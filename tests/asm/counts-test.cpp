// Hot loops against what their technique needs at least: vector operations for
// a multiply-accumulate, and the rate that these allow, as LLVM's model of a
// CPU sees it.
#include "compiler/codegen/Mca.h"
#include "tests/asm/AsmLoops.h"
#include "tests/asm/Kernels.h"
#include "llvm/ADT/STLExtras.h"
#include <cstdio>
#include <gtest/gtest.h>

namespace lpgen::asmtest {
namespace {

/// Operations are vector instructions that compute; loads, moves and broadcasts
/// from memory go beside them. All figures are for one pair of planes.
struct CountCase {
  const char *target;
  const char *cell;
  const char *x;
  const char *w;
  double operations; ///< Of the technique, for
  double macs;       ///< as many multiply-accumulates.
  const char *cpu;   ///< Whose model gives the rate, and
  double ceiling;    ///< what its pipes allow, MAC/cycle.
  /// At most, relative to the technique's operations.
  double maxOperations = 1.1;
  /// At least, relative to the ceiling, by Block RThroughput. That bound takes
  /// each group of pipes for itself, so it can be above the ceiling.
  double minRate = 0.8;
};

constexpr CountCase countCases[] = {
    // vpdpbusd, vpdpwssd: byte products of four elements in a 32-bit lane, of
    // two of 16 bits; two instructions a cycle.
    {"x86_avx512_vnni", "dpbusd", "u8", "s8", 1, 64, "icelake-server", 128},
    {"x86_avx512_vnni", "dpwssd", "s10", "s10", 1, 32, "icelake-server", 64},
    // vpmaddubsw, vpaddw; with vpmaddwd between for 32-bit sums; vpmaddwd,
    // vpaddd. Two instructions a cycle.
    {"x86_avx512", "maddubs16", "u4", "s4", 2, 64, "icelake-server", 64},
    {"x86_avx512", "maddubs32", "u8", "s7", 3, 64, "icelake-server", 42.7},
    {"x86_avx512", "maddubs32x4", "u8", "s5", 2.25, 64, "icelake-server", 56.9},
    {"x86_avx512", "maddw", "s10", "s10", 2, 32, "icelake-server", 32},
    // vpandd, vpopcntd, vpaddd; two a cycle.
    {"x86_avx512_vbmi", "popcntd", "u1", "b1", 3, 512, "icelake-server", 341},
    // vpand, vpshufb, vpaddb; two a cycle.
    {"x86_avx512", "nibble", "u1", "b1", 3, 256, "icelake-server", 171},
    // vpshufb, vpaddb: a look-up of four products of single bits in a byte, or
    // of two of two bits; one a cycle each.
    {"x86_avx512", "lookup11", "u1", "b1", 2, 256, "icelake-server", 256},
    {"x86_avx512", "lookup21", "u2", "b1", 2, 256, "icelake-server", 256},
    {"x86_avx512", "lookup22", "u2", "s2", 2, 128, "icelake-server", 128},
    {"x86_avx512", "tables41", "u3", "b1", 2, 256, "icelake-server", 256},
    // and, cnt, add; two a cycle, like those below.
    {"arm_neon_dotprod", "cnt", "u1", "b1", 3, 128, "neoverse-n1", 85},
    // tbl, add.
    {"arm_neon_dotprod", "lookup11", "u1", "b1", 2, 64, "neoverse-n1", 64},
    {"arm_neon_dotprod", "lookup21", "u2", "b1", 2, 64, "neoverse-n1", 64},
    {"arm_neon_dotprod", "lookup22", "u2", "s2", 2, 32, "neoverse-n1", 32},
    {"arm_neon_dotprod", "tables41", "u3", "b1", 2, 64, "neoverse-n1", 64},
    // sdot, udot: sixteen products in 32-bit lanes.
    {"arm_neon_dotprod", "sdot", "s8", "s8", 1, 16, "neoverse-n1", 32},
    {"arm_neon_dotprod", "udot", "u8", "u8", 1, 16, "neoverse-n1", 32},
    // smmla: two rows by two columns of eight. Rows are packed one by one, so
    // two are brought together, once for each eight instructions.
    {"arm_neon_i8mm", "smmla", "s8", "s8", 1, 32, "neoverse-n2", 64, 1.13},
    {"arm_neon_i8mm", "ummla", "u8", "u8", 1, 32, "neoverse-n2", 64, 1.13},
    {"arm_neon_i8mm", "usmmla", "u8", "s8", 1, 32, "neoverse-n2", 64, 1.13},
    // mla of two products in a 16-bit lane, usra after eight, four, two of
    // them.
    // The model multiplies on both pipes.
    {"arm_neon", "pair8", "u2", "b2", 9, 128, "neoverse-n1", 28.4},
    {"arm_neon", "pair4", "u5", "b1", 5, 64, "neoverse-n1", 25.6},
    {"arm_neon", "pair2", "u3", "b3", 3, 32, "neoverse-n1", 21.3},
    // smlal, smlal2, which one pipe does: sixteen products in 16-bit lanes,
    // eight in 32-bit ones. There is no form by element for bytes: dup brings
    // one into all lanes, for each four instructions. More columns would need
    // fewer, but more loads, which cost a Cortex-A53 more.
    {"arm_neon", "smlal16", "s4", "s4", 2, 16, "neoverse-n1", 8, 1.25},
    {"arm_neon", "smlal32", "s10", "s10", 2, 8, "neoverse-n1", 4},
};

class Counts : public testing::TestWithParam<CountCase> {};

/// Named in failures, instead of bytes; GoogleTest gives the name.
// NOLINTNEXTLINE(readability-identifier-naming)
void PrintTo(const CountCase &c, std::ostream *out) {
  *out << c.target << " " << c.cell;
}

TEST_P(Counts, AreThoseOfTheTechnique) {
  const CountCase &c = GetParam();
  const Target &target = *findTarget(c.target);
  const CellFacts &facts = cellNamed(target, c.cell).facts();
  const CompiledOp compiled =
      compileGemm(target, scheduleWith(facts), {c.x, c.w, 240, 256, 2304});
  const HotNest nest = findHotNest(compiled.assembly, facts.instruction);
  ASSERT_FALSE(nest.hot.empty()) << compiled.assembly;
  const double macs =
      double(countOf(nest.hot, facts.instruction)) * facts.instructionMacs();
  const double operations = double(llvm::count_if(nest.hot, isVectorOperation));
  std::string text;
  for (const Instruction &instruction : nest.hot) {
    text += instruction.str() + "\n";
  }
  llvm::Expected<McaResult> mca =
      analyzeLoop(target.desc().triple, c.cpu, target.desc().features, text);
  ASSERT_TRUE(bool(mca)) << llvm::toString(mca.takeError());
  const double relative = operations / macs * c.macs / c.operations;
  const double rate = macs / mca->blockRThroughput / c.ceiling;
  std::printf("%s %s: %s; %.0f operations for %.0f MAC, %.2f times the "
              "technique's; %s: %.1f MAC/cycle, %.2f of the ceiling\n",
              c.target, c.cell, compiled.choices.front().schedule.c_str(),
              operations, macs, relative, c.cpu, macs / mca->blockRThroughput,
              rate);
  EXPECT_LE(relative, c.maxOperations) << text;
  EXPECT_GE(rate, c.minRate) << text;
}

INSTANTIATE_TEST_SUITE_P(Cells, Counts, testing::ValuesIn(countCases),
                         [](const testing::TestParamInfo<CountCase> &info) {
                           return std::string(info.param.target) + "_" +
                                  info.param.cell;
                         });

TEST(AsmLoops, KnowVectorOperations) {
  EXPECT_TRUE(isVectorOperation({"vpaddb", "(%rax), %zmm1, %zmm2"}));
  EXPECT_TRUE(isVectorOperation({"vpdpbusd", "(%rax){1to16}, %zmm1, %zmm2"}));
  EXPECT_FALSE(isVectorOperation({"vmovdqu64", "(%rax), %zmm1"}));
  EXPECT_FALSE(isVectorOperation({"vpbroadcastd", "(%rax), %zmm1"}));
  EXPECT_TRUE(isVectorOperation({"vpbroadcastd", "%xmm0, %zmm1"}));
  EXPECT_FALSE(isVectorOperation({"addq", "$8, %rax"}));
  EXPECT_TRUE(isVectorOperation({"tbl", "v0.16b, { v1.16b }, v2.16b"}));
  EXPECT_TRUE(isVectorOperation({"dup", "v0.16b, v1.b[3]"}));
  EXPECT_FALSE(isVectorOperation({"ldr", "q0, [x1]"}));
  EXPECT_FALSE(isVectorOperation({"ld1r", "{ v0.16b }, [x1]"}));
  EXPECT_FALSE(isVectorOperation({"add", "x0, x1, #16"}));
}

} // namespace
} // namespace lpgen::asmtest
