// What the parts of kernels beside the tiles of a GEMM cost: each is a loop
// that one instruction names, and has no more instructions for each of these
// than it had when the bound here was set.
#include "compiler/codegen/Mca.h"
#include "tests/asm/AsmLoops.h"
#include "tests/asm/Kernels.h"
#include <cstdio>
#include <gtest/gtest.h>

namespace lpgen::asmtest {
namespace {

/// An operator, by what it is called in tests.
struct Sample {
  const char *name;
  const char *text;
};

/// A product whose sums are scaled as TFLite's reference kernels do.
constexpr Sample fixedPoint = {"FixedPoint", R"(
op fixed(x: s8[64, 64], w: s8[128, 64], bias: i32[128] in [-100000, 100000],
         factor: i32[128] in [1073741824, 2147483647], shift: i32[128] in [32, 45])
  -> (y: s8[64, 128]) {
  acc[m,o] = sum(k) x[m,k] * w[o,k]
  y[m,o] = clamp((((acc[m,o] + bias[o]) * factor[o] >> shift[o]) + 1 >> 1) - 3, -128, 127)
}
)"};

/// A sum of two quantized tensors, likewise.
constexpr Sample addition = {"Addition", R"(
op added(a: s8[64, 128], b: s8[64, 128]) -> (y: s8[64, 128]) {
  y[n,c] = clamp(((((((a[n,c] + 5) * 1048576 * 1234567890 >> 31) + 1 >> 1)
                 + (((b[n,c] - 9) * 1048576 * 1534567890 >> 31) + 1 >> 1)) * 1434567890 >> 49)
               + 1 >> 1) - 7, -128, 127)
}
)"};

constexpr Sample depthwise = {"Depthwise", R"(
op dw(x: u8[1, 56, 56, 128] pad(0), w: s8[3, 3, 128], scale: f32[128], bias: f32[128])
  -> (y: u8[1, 56, 56, 128]) {
  acc[n,h,v,c] = sum(r, s) x[n, h + r - 1, v + s - 1, c] * w[r,s,c]
  y[n,h,v,c] = round(acc[n,h,v,c] * scale[c] + bias[c])
}
)"};

constexpr Sample grouped = {"Grouped", R"(
op groups(x: u8[1, 56, 56, 128] pad(0), w: s8[32, 4, 3, 3, 4], scale: f32[32, 4],
          bias: f32[32, 4])
  -> (y: u8[1, 56, 56, 32, 4]) {
  acc[n,h,v,g,o] = sum(r, s, c) x[n, h + r - 1, v + s - 1, 4*g + c] * w[g,o,r,s,c]
  y[n,h,v,g,o] = round(acc[n,h,v,g,o] * scale[g,o] + bias[g,o])
}
)"};

constexpr Sample table = {"Table", R"(
op table(x: u8[56, 56, 64], t: u8[256]) -> (y: u8[56, 56, 64]) {
  y[h,v,c] = t[x[h,v,c]]
}
)"};

struct PartCase {
  const char *target;
  Sample kernel;
  const char *instruction; ///< The loop that has most of it.
  double maxPerInstruction;
};

constexpr PartCase partCases[] = {
    // Products of 64 bits, four of them. For eight outputs, a load with the
    // bias, odd elements moved down, two products, two additions, two shifts, a
    // blend and an offset; 1.75 that pack bytes and store them.
    {"x86_avx2", fixedPoint, "vpmuldq", 8},
    {"x86_avx512", fixedPoint, "vpmuldq", 7},
    // Shifts that round, of two products.
    {"arm_neon", fixedPoint, "srshl", 5.6},
    {"x86_avx2", addition, "vpmuldq", 6.1},
    {"arm_neon", addition, "srshr", 5.3},
    // A look-up in 16 bytes has a saturated difference, an exclusive or, and
    // loads of what 16 registers do not hold.
    {"x86_avx2", table, "vpshufb", 4.3},
    // A tile of a depthwise layer has six products for eight outputs, each
    // with an addition but the first. Of w, which lies beside sums where rows
    // roll, each tile loads its six vectors.
    {"x86_avx2", depthwise, "vpmaddwd", 2.7},
    {"x86_avx512_vnni", depthwise, "vpdpbusd", 2.9},
    {"x86_avx2", grouped, "vpmaddwd", 2.7},
    // smlal and smlal2 add to sums in registers; smull of bytes, whose sums 16
    // bits do not hold, would add each product to memory.
    {"arm_neon", depthwise, "smlal", 1.3},
    {"arm_neon", grouped, "smlal", 1.5},
    {"x86_avx512_vnni", grouped, "vpdpbusd", 1.75},
    // Their strips, for four vectors of groups: a load, up to two shuffles of
    // words, six that interleave and four stores. Of bytes and zeros three are
    // of this kind, of pairs of bytes two.
    {"x86_avx2", depthwise, "vpunpckhbw", 5.4},
    {"x86_avx512_vnni", depthwise, "vpunpckhwd", 10},
    // Their epilogues, for a vector of outputs.
    {"x86_avx2", depthwise, "vcvtps2dq", 6.7},
    {"x86_avx512_vnni", depthwise, "vcvtps2dq", 7},
    {"arm_neon", depthwise, "fcvtns", 7.6},
};

class Parts : public testing::TestWithParam<PartCase> {};

/// Named in failures, instead of bytes; GoogleTest gives the name.
// NOLINTNEXTLINE(readability-identifier-naming)
void PrintTo(const PartCase &c, std::ostream *out) {
  *out << c.target << " " << c.kernel.name;
}

TEST_P(Parts, HaveNoMoreInstructions) {
  const PartCase &c = GetParam();
  const CompiledOp compiled =
      compileText(*findTarget(c.target), "", c.kernel.text);
  const Loop hot = findHotNest(lastPhaseWith(compiled.assembly, c.instruction),
                               c.instruction)
                       .hot;
  const size_t count = countOf(hot, c.instruction);
  ASSERT_GT(count, 0U) << compiled.assembly;
  const double each = double(hot.size()) / double(count);
  std::printf("%s %s: %zu instructions, %zu of them %s: %.2f for each\n",
              c.target, c.kernel.name, hot.size(), count, c.instruction, each);
  EXPECT_LE(each, c.maxPerInstruction) << compiled.assembly;
}

INSTANTIATE_TEST_SUITE_P(Kernels, Parts, testing::ValuesIn(partCases),
                         [](const testing::TestParamInfo<PartCase> &info) {
                           return std::string(info.param.target) + "_" +
                                  info.param.kernel.name + "_" +
                                  info.param.instruction;
                         });

} // namespace
} // namespace lpgen::asmtest
