// What holds for every emitted object: nothing is undefined, and equal input
// gives equal bytes. Also the tests of the covering array, on which the
// selections rest.
#include "tests/differential/CoveringArray.h"
#include "tests/differential/Harness.h"
#include "tests/differential/Operators.h"
#include <gtest/gtest.h>
#include <set>

namespace lpgen::difftest {
namespace {

/// Operators of every kind of code: packing, borders, epilogues, f32, random
/// numbers, pools, large constants and zeroed buffers (memset and memcpy are
/// what LLVM likes to call).
std::vector<std::string> sampleTexts() {
  return {
      plainGemm("gemm", {Encoding::Unsigned, 4}, {Encoding::Signed, 4}, 9, 40,
                100),
      // NOLINTBEGIN(bugprone-suspicious-missing-comma): each text is one
      // operator
      plainGemm("wide", {Encoding::Signed, 16}, {Encoding::Signed, 16}, 5, 9,
                40),
      "op conv(x: u2[1, 9, 9, 70] pad(zx), w: b1[40, 3, 3, 70],\n"
      "    zx: i32 in [0, 3], scale: f32[40], bias: f32[40])\n"
      "  -> (y: u2[1, 9, 9, 40]) {\n"
      "  acc[n,h,v,o] = sum(r, s, c) (x[n, h + r - 1, v + s - 1, c] - zx) * "
      "w[o,r,s,c]\n"
      "  y[n,h,v,o] = round(acc[n,h,v,o] * scale[o] + bias[o])\n}\n",
      "op pool(x: s8[1, 9, 9, 33] pad(lowest)) -> (y: s8[1, 5, 5, 33]) {\n"
      "  y[n,h,v,c] = max(r:3, s:3) x[n, 2*h + r - 1, 2*v + s - 1, c]\n}\n",
      "op noise(x: f32[999], seed: i64) -> (y: s8[999], z: f32[999]) {\n"
      "  y[i] = floor(x[i] * 3.5 + random(seed))\n  z[i] = x[i] / 3.0\n}\n",
      "op copy(x: s8[4096]) -> (y: s8[4096], z: s8[4096]) {\n"
      "  y[i] = x[i]\n  z[i] = 0\n}\n",
      "op dynamic(x: u1[?m <= 1000, 200], w: b1[40, 200]) -> (y: i32[?m, 40]) "
      "{\n"
      "  y[i,j] = sum(k) x[i,k] * w[j,k]\n}\n"};
  // NOLINTEND(bugprone-suspicious-missing-comma)
}

class Objects : public testing::TestWithParam<const Target *> {};

/// The harness looks at the symbols of every object, these and all others.
TEST_P(Objects, HaveNoUndefinedSymbol) {
  Harness harness(*GetParam(), testSeed());
  for (const std::string &text : sampleTexts()) {
    harness.prepare({.text = text, .schedule = "direct", .applies = true});
  }
  EXPECT_EQ(harness.summary().compiled, sampleTexts().size());
}

TEST_P(Objects, AreEqualForEqualInput) {
  Harness harness(*GetParam(), testSeed());
  for (const std::string &text : sampleTexts()) {
    const TestCase test{.text = text, .schedule = ""};
    const auto first = harness.prepare(test);
    const auto second = harness.prepare(test);
    ASSERT_TRUE(first && second) << text;
    EXPECT_EQ(first->compiled.object, second->compiled.object) << text;
    EXPECT_EQ(first->compiled.header, second->compiled.header) << text;
    EXPECT_EQ(first->compiled.manifest, second->compiled.manifest) << text;
  }
}

INSTANTIATE_TEST_SUITE_P(Targets, Objects,
                         testing::ValuesIn(allTargets().vec()), nameOf);

TEST(CoveringArray, HasEveryWantedPairAndNoForbiddenOne) {
  const std::vector<size_t> sizes = {12, 3, 4, 2};
  const auto rule = [](size_t axisA, size_t a, size_t axisB, size_t b) {
    return axisA != 0 || axisB != 1 || b != 2 || a < 3 ? Pair::Wanted
                                                       : Pair::Forbidden;
  };
  const std::vector<Row> rows = coverPairs(sizes, rule);
  for (size_t p = 0; p < sizes.size(); ++p) {
    for (size_t q = p + 1; q < sizes.size(); ++q) {
      for (size_t a = 0; a < sizes[p]; ++a) {
        for (size_t b = 0; b < sizes[q]; ++b) {
          size_t found = 0;
          for (const Row &row : rows) {
            found += row[p] == a && row[q] == b;
          }
          EXPECT_EQ(found > 0, rule(p, a, q, b) == Pair::Wanted)
              << p << "=" << a << ", " << q << "=" << b;
        }
      }
    }
  }
  EXPECT_LE(rows.size(), 60U) << "48 is the least possible";
}

TEST(CoveringArray, HasPossibleRowsOnly) {
  // Each two values of three axes, but not three equal ones.
  const auto isPossible = [](const Row &row) {
    return row[0] == unsetValue || row[0] != row[1] || row[0] != row[2];
  };
  const std::vector<Row> rows = coverPairs(
      {3, 3, 3}, [](size_t, size_t, size_t, size_t) { return Pair::Wanted; },
      isPossible);
  std::set<std::vector<size_t>> pairs;
  for (const Row &row : rows) {
    EXPECT_TRUE(isPossible(row));
    pairs.insert({0, row[0], row[1]});
    pairs.insert({1, row[0], row[2]});
    pairs.insert({2, row[1], row[2]});
  }
  EXPECT_EQ(pairs.size(), 27U);
}

} // namespace
} // namespace lpgen::difftest
