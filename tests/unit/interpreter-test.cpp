// The interpreter against results worked out by hand, from text to tensors.
#include "base/types/Scalar.h"
#include "tests/unit/InterpreterTesting.h"
#include <cmath>

using namespace lpgen;
using namespace lpgen::testing;

namespace {

TEST(Interpreter, matrixProduct) {
  Program p("op gemm(a: s8[2, 3], b: s8[2, 3]) -> (y: i32[2, 2]) {\n"
            "  y[m,n] = sum(k) a[m,k] * b[n,k]\n}\n");
  ASSERT_TRUE(p.ok());
  p.set("a", Ints{1, 2, 3, -4, 5, -6}).set("b", Ints{7, 8, 9, -1, 0, 1});
  EXPECT_RUNS(p);
  EXPECT_EQ(p.ints("y"), (Ints{50, 2, -42, -2}));
}

TEST(Interpreter, paddingByAValue) {
  const char *text = "op f(x: u4[3] pad(%), w: s4[3]) -> (y: i32[3]) {\n"
                     "  y[i] = sum(r) x[i + r - 1] * w[r]\n}\n";
  for (int64_t pad : {0, 5}) {
    std::string source = text;
    source.replace(source.find('%'), 1, std::to_string(pad));
    Program p(source);
    ASSERT_TRUE(p.ok());
    p.set("x", Ints{1, 2, 3}).set("w", Ints{-1, 2, 4});
    EXPECT_RUNS(p);
    EXPECT_EQ(p.ints("y"), (Ints{10 - pad, 15, 4 + 4 * pad}));
  }
}

TEST(Interpreter, paddingOfABipolarOperandMayBeZero) {
  Program p("op f(x: b1[2] pad(0), w: b1[3]) -> (y: i32[2]) {\n"
            "  y[i] = sum(r) x[i + r - 1] * w[r]\n}\n");
  ASSERT_TRUE(p.ok());
  p.set("x", Ints{1, -1}).set("w", Ints{1, 1, -1});
  EXPECT_RUNS(p);
  EXPECT_EQ(p.ints("y"), (Ints{2, 0}));
}

TEST(Interpreter, paddingByAScalarInput) {
  Program p("op f(x: u8[2] pad(zx), zx: u8) -> (y: i32[2]) {\n"
            "  y[i] = sum(r:3) (x[i + r - 1] - zx)\n}\n");
  ASSERT_TRUE(p.ok());
  p.set("x", Ints{10, 20}).set("zx", Ints{7});
  EXPECT_RUNS(p);
  EXPECT_EQ(p.ints("y"), (Ints{16, 16}));
}

TEST(Interpreter, paddingByTheLowestValue) {
  Program p("op f(x: s8[3] pad(lowest), v: f32[3] pad(lowest))\n"
            "    -> (y: s8[2], z: f32[2]) {\n"
            "  y[i] = max(r:3) x[2*i + r - 1]\n"
            "  z[i] = max(r:3) v[2*i + r - 1]\n}\n");
  ASSERT_TRUE(p.ok());
  p.set("x", Ints{-128, -127, -3}).set("v", Floats{-4, -5, -6});
  EXPECT_RUNS(p);
  EXPECT_EQ(p.ints("y"), (Ints{-127, -3}));
  EXPECT_EQ(p.floats("z"), (Floats{-4, -5}));
}

TEST(Interpreter, convolutionInTwoDimensions) {
  Program p("op conv(x: u2[1, 3, 3, 1] pad(0), w: b1[1, 3, 3, 1])\n"
            "    -> (y: i32[1, 3, 3, 1]) {\n"
            "  y[n,h,v,o] = sum(r, s, c) x[n, h + r - 1, v + s - 1, c] * "
            "w[o,r,s,c]\n}\n");
  ASSERT_TRUE(p.ok());
  p.set("x", Ints{1, 2, 3, 0, 1, 2, 3, 0, 1});
  p.set("w", Ints{1, -1, 1, -1, 1, -1, 1, -1, 1});
  EXPECT_RUNS(p);
  // Corner [0, 0]: 1 - 2 - 0 + 1; centre: all nine with their signs.
  EXPECT_EQ(p.ints("y"), (Ints{0, -1, 0, -3, 5, -1, 4, -3, 0}));
}

// The last index of a sum moves reads forward, backward, by steps, not at all,
// and out of the tensor at both ends.
TEST(Interpreter, sumsWhoseReadsLeaveAtBothEnds) {
  Program p("op f(x: s8[5] pad(3), w: s8[9], u: s8[4], v: f32[5] pad(0.5))\n"
            "    -> (y: i32[4], z: f32[4]) {\n"
            "  y[i] = sum(k:9) ((x[i + k - 3] - 2) * w[8 - k] + x[2*k - 6] * "
            "u[i])\n"
            "  z[i] = sum(k:9) v[i + k - 3] * v[4 - 2*k + i]\n}\n");
  ASSERT_TRUE(p.ok());
  const Ints x = {-128, 7, 127, -1, 50};
  const Ints w = {1, -2, 3, -4, 5, -6, 7, -8, 9};
  const Floats v = {0.1f, 3e7f, -7, 1e-3f, 11};
  const Ints u = {3, -100, 0, 127};
  p.set("x", x).set("w", w).set("u", u).set("v", v);
  EXPECT_RUNS(p);
  const auto at = [](const auto &values, int64_t i, auto outside) {
    return i < 0 || i >= 5 ? outside : values[i];
  };
  for (int64_t i = 0; i < 4; ++i) {
    int64_t y = 0;
    float z = 0;
    for (int64_t k = 0; k < 9; ++k) {
      y += (at(x, i + k - 3, int64_t{3}) - 2) * w[8 - k] +
           at(x, 2 * k - 6, int64_t{3}) * u[i];
      z = std::fma(at(v, i + k - 3, 0.5f), at(v, 4 - 2 * k + i, 0.5f), z);
    }
    EXPECT_EQ(p.ints("y")[i], y) << i;
    EXPECT_EQ(p.floats("z")[i], z) << i;
  }
}

TEST(Interpreter, exactDivisionSubscripts) {
  Program p("op back(dy: s16[2] pad(0), w: s8[3]) -> (dx: i32[4]) {\n"
            "  dx[h] = sum(r) dy[(h + 1 - r) / 2] * w[r]\n}\n");
  ASSERT_TRUE(p.ok());
  p.set("dy", Ints{10, 20}).set("w", Ints{1, 2, 3});
  EXPECT_RUNS(p);
  EXPECT_EQ(p.ints("dx"), (Ints{20, 50, 40, 60}));
}

TEST(Interpreter, reductionsOfIntegers) {
  Program p("op f(x: s8[2, 3]) -> (a: i32, b: s8, c: s8[2], d: i32[2]) {\n"
            "  a = sum(i, j) x[i,j]\n"
            "  b = max(i, j) x[i,j]\n"
            "  c[i] = min(j) x[i,j]\n"
            "  d[i] = sum(j) (x[i,j] >= 0) + 10\n}\n");
  ASSERT_TRUE(p.ok());
  p.set("x", Ints{-5, -2, -9, 0, 7, -1});
  EXPECT_RUNS(p);
  EXPECT_EQ(p.ints("a"), (Ints{-10}));
  EXPECT_EQ(p.ints("b"), (Ints{7}));
  EXPECT_EQ(p.ints("c"), (Ints{-9, -1}));
  EXPECT_EQ(p.ints("d"), (Ints{10, 12}));
}

TEST(Interpreter, nestedReductionWithGroupScales) {
  Program p("op f(x: s4[1, 4], w: s4[1, 4], s: f32[2, 1]) -> (y: f32[1, 1]) {\n"
            "  y[m,o] = sum(g) s[g,o] * (sum(k:2) x[m, 2*g + k] * w[o, 2*g + "
            "k])\n}\n");
  ASSERT_TRUE(p.ok());
  p.set("x", Ints{1, 2, 3, 4}).set("w", Ints{1, 1, -1, 2});
  p.set("s", Floats{0.5f, 4.0f});
  EXPECT_RUNS(p);
  EXPECT_EQ(p.floats("y"), (Floats{21.5f}));
}

// The square is 1 + 2^-11 + 2^-24; its last term is lost if it is rounded.
TEST(Interpreter, rescaleByPerChannelFactors) {
  Program p("op f(x: i32[3], m: i32[3] in [0, 2147483647],\n"
            "     s: s8[3] in [-31, 30]) -> (y: i32[3]) {\n"
            "  y[i] = rescale(x[i], m[i], s[i])\n}\n");
  ASSERT_TRUE(p.ok());
  p.set("x", Ints{9, -10, 7}).set("m", Ints{1 << 30, 1 << 30, 1 << 30});
  p.set("s", Ints{-1, -1, 1});
  EXPECT_RUNS(p);
  EXPECT_EQ(p.ints("y"), (Ints{3, -3, 7}));
}

TEST(Interpreter, lookupSubscripts) {
  Program p("op f(x: u2[3], t: i32[4, 2]) -> (y: i32[3, 2]) {\n"
            "  y[i,k] = t[x[i], k]\n}\n");
  ASSERT_TRUE(p.ok());
  p.set("x", Ints{3, 0, 2}).set("t", Ints{10, 11, 20, 21, 30, 31, 40, 41});
  EXPECT_RUNS(p);
  EXPECT_EQ(p.ints("y"), (Ints{40, 41, 10, 11, 30, 31}));
}

TEST(Interpreter, lookupsOfManyRowsAndInReductions) {
  Program p("op f(x: u10[2, 2], t: i32[1024], next: u2[4]) -> (y: i32[2],\n"
            "     z: i32[2], w: u2[2]) {\n"
            "  y[i] = t[x[i,1]]\n"
            "  z[i] = sum(k) t[x[i,k]] * (k + 1)\n"
            "  w[i] = next[next[x[i,0] % 4]]\n}\n");
  ASSERT_TRUE(p.ok());
  Ints table(1024);
  for (size_t i = 0; i < table.size(); ++i) {
    table[i] = int64_t(3 * i);
  }
  p.set("x", Ints{1023, 300, 0, 511}).set("t", table);
  p.set("next", Ints{2, 3, 1, 0});
  EXPECT_RUNS(p);
  EXPECT_EQ(p.ints("y"), (Ints{900, 1533}));
  EXPECT_EQ(p.ints("z"), (Ints{4869, 3066}));
  EXPECT_EQ(p.ints("w"), (Ints{2, 1}));
}

TEST(Interpreter, rescaleRoundsOnce) {
  Program p("op f(x: i32[4], m: i32 in [0, 2147483647], s: s8 in [-31, 30])\n"
            "  -> (y: i32[4], z: i32[4]) {\n"
            "  y[i] = rescale_once(x[i], m, s)\n"
            "  z[i] = rescale(x[i], m, s)\n}\n");
  ASSERT_TRUE(p.ok());
  // A quarter: 10, -10 and 6 are ties; 7 / 4 is not rounded to 3.5 first.
  p.set("x", Ints{10, -10, 6, 5}).set("m", Ints{1 << 30}).set("s", Ints{-1});
  EXPECT_RUNS(p);
  EXPECT_EQ(p.ints("y"), (Ints{3, -2, 2, 1}));
  EXPECT_EQ(p.ints("z"), (Ints{3, -3, 2, 2}));
}

TEST(Interpreter, products) {
  Program p("op f(x: s4[2, 3], a: f32[3], b: s4[?m <= 4])\n"
            "  -> (y: i32[2], z: f32, e: i32) {\n"
            "  y[i] = prod(k) x[i,k]\n"
            "  z = prod(k) a[k]\n"
            "  e = prod(k) b[k]\n}\n");
  ASSERT_TRUE(p.ok());
  p.size(0).set("x", Ints{-8, -8, -8, 2, 3, 7}).set("b", Ints{});
  p.set("a", Floats{3.0f, 0.1f, -0.7f});
  EXPECT_RUNS(p);
  EXPECT_EQ(p.ints("y"), (Ints{-512, 42}));
  EXPECT_EQ(p.floats("z"), (Floats{3.0f * 0.1f * -0.7f}));
  EXPECT_EQ(p.ints("e"), (Ints{1}));
}

TEST(Interpreter, reductionsUpToAnIndex) {
  Program p("op f(x: s4[2, 3], a: f32[3], b: s4[?m <= 4])\n"
            "  -> (y: i32[2, 3], most: s4[2, 3], z: f32[3], e: i32, u: s4[?m]) "
            "{\n"
            "  y[i,j] = sum(k <= j) x[i,k]\n"
            "  most[i,j] = max(k <= j) x[i,k]\n"
            "  z[i] = sum(k <= i) a[k]\n"
            "  e = sum(j) sum(k <= j) x[0,k]\n"
            "  u[i] = min(k <= i) b[k]\n}\n");
  ASSERT_TRUE(p.ok());
  p.size(0).set("x", Ints{-8, 4, -1, 2, -3, 7}).set("b", Ints{});
  p.set("a", Floats{1e8f, 3.0f, -1e8f});
  EXPECT_RUNS(p);
  EXPECT_EQ(p.ints("y"), (Ints{-8, -4, -5, 2, -1, 6}));
  EXPECT_EQ(p.ints("most"), (Ints{-8, 4, 4, 2, 2, 7}));
  EXPECT_EQ(p.floats("z"), (Floats{1e8f, 1e8f, 0.0f}));
  EXPECT_EQ(p.ints("e"), (Ints{-8 - 4 - 5}));
}

TEST(Interpreter, floatsOf16BitsAreRoundedWhereTheyAreStored) {
  Program p("op f(x: f16[2], b: bf16[2]) -> (y: f16[2], z: bf16[2], w: f32[2]) "
            "{\n"
            "  y[i] = x[i] + b[i]\n"
            "  a[i]: f16 = y[i] * 0.1\n"
            "  z[i] = a[i]\n"
            "  w[i] = a[i]\n}\n");
  ASSERT_TRUE(p.ok());
  p.set("x", Floats{2048.0f, 0.1f}).set("b", Floats{1.0f, 65280.0f});
  EXPECT_RUNS(p);
  // 2049 is a tie; 65280.1 lies below the greatest f16, 65504.
  EXPECT_EQ(p.floats("y"), (Floats{2048.0f, 65280.0f}));
  EXPECT_EQ(p.floats("w"), (Floats{204.75f, 6528.0f}));
  EXPECT_EQ(p.floats("z"), (Floats{205.0f, 6528.0f}));
}

TEST(Interpreter, wordsWithoutSign) {
  Program p("op f(x: u32[3]) -> (y: u32[3], z: i64[3]) {\n"
            "  y[i] = x[i] * 2 - 1\n"
            "  z[i] = x[i] ^ 0xffffffff\n}\n");
  ASSERT_TRUE(p.ok());
  p.set("x", Ints{0, 0x80000000, 0xffffffff});
  EXPECT_RUNS(p);
  EXPECT_EQ(p.ints("y"), (Ints{0, 0xffffffff, 0xffffffff}));
  EXPECT_EQ(p.ints("z"), (Ints{0xffffffff, 0x7fffffff, 0}));
}

TEST(Interpreter, randomIsKeyedBySeedAndRowMajorPosition) {
  Program p("op f(x: f32[2, 3], seed: i32) -> (y: i32[2, 3], r: f32[2, 3]) {\n"
            "  y[i,j] = floor(x[i,j] + random(seed))\n"
            "  r[i,j] = random(seed)\n}\n");
  ASSERT_TRUE(p.ok());
  p.set("x", Floats{0.25f, 0.25f, 0.25f, 0.25f, 0.25f, 0.25f});
  p.set("seed", Ints{-3});
  EXPECT_RUNS(p);
  for (int64_t i = 0; i < 6; ++i) {
    const float r = scalar::random(uint64_t(int64_t{-3}), uint64_t(i));
    EXPECT_EQ(p.floats("r")[size_t(i)], r);
    EXPECT_EQ(p.ints("y")[size_t(i)], r >= 0.75f ? 1 : 0);
  }
}

TEST(Interpreter, stochasticRoundingHasTheMeanOfTheValue) {
  // The form of docs/reference/language.md, where neighbours of v are 2^-9
  // apart: v is 30000 + 2^-9, rounded up 65536 / 2^9 = 128 times on average,
  // with a standard deviation of 11. floor(v + random(seed)) gives 192.
  Program p("op f(x: f32[65536], seed: i64) -> (y: s16[65536]) {\n"
            "  y[i] = floor(x[i]) + (random(seed) < x[i] - floor(x[i]))\n}\n");
  ASSERT_TRUE(p.ok());
  p.set("x", Floats(65536, 30000.001F));
  p.set("seed", Ints{1});
  EXPECT_RUNS(p);
  int64_t up = 0;
  for (const int64_t y : p.ints("y")) {
    EXPECT_TRUE(y == 30000 || y == 30001) << y;
    up += y - 30000;
  }
  EXPECT_NEAR(double(up), 128, 33);
}

TEST(Interpreter, runTimeSizes) {
  Program p("op f(a: s8[?m <= 4, 2], b: s8[2]) -> (y: i32[?m]) {\n"
            "  y[i] = sum(k) a[i,k] * b[k]\n}\n");
  ASSERT_TRUE(p.ok());
  p.size(3).set("a", Ints{1, 2, 3, 4, 5, 6}).set("b", Ints{10, 1});
  EXPECT_RUNS(p);
  EXPECT_EQ(p.ints("y"), (Ints{12, 34, 56}));
  p.symbols = {0};
  p.set("a", Ints{});
  EXPECT_RUNS(p);
  EXPECT_EQ(p.ints("y"), Ints{});
  p.symbols = {5};
  EXPECT_EQ(p.run().message(),
            "?m is 5, expected a size from 0 to its bound 4");
  p.symbols = {};
  EXPECT_EQ(p.run().message(),
            "op 'f' has 1 run-time sizes, but 0 values were given");
}

TEST(Interpreter, emptyReductions) {
  Program sum("op f(x: s8[?m <= 4]) -> (y: i32) { y = sum(i) x[i] }\n");
  ASSERT_TRUE(sum.ok());
  sum.size(0).set("x", Ints{});
  EXPECT_RUNS(sum);
  EXPECT_EQ(sum.ints("y"), (Ints{0}));
  Program max("op f(x: s8[?m <= 4]) -> (y: i32) { y = max(i) x[i] }\n");
  ASSERT_TRUE(max.ok());
  max.size(0).set("x", Ints{});
  EXPECT_EQ(max.run().message(),
            "?m is 0, but index 'i' of a max or min in 'y' ranges over it, "
            "expected at least 1");
}

TEST(Interpreter, emptyIndexOf) {
  Program p("op f(x: s8[?m <= 4]) -> (y: i32) { y = argmin(i) x[i] }\n");
  ASSERT_TRUE(p.ok());
  p.size(0).set("x", Ints{});
  EXPECT_EQ(p.run().message(),
            "?m is 0, but index 'i' of an argmax or argmin in 'y' ranges over "
            "it, expected at least 1");
}

TEST(Interpreter, checksItsInputs) {
  Program p("op f(x: b1[2, 2], s: s16[2] in [-511, 511]) -> (y: i32[2]) {\n"
            "  y[i] = sum(k) x[i,k] * s[k]\n}\n");
  ASSERT_TRUE(p.ok());
  p.set("x", Ints{1, 1, -1, 0}).set("s", Ints{1, 511});
  EXPECT_EQ(p.run().message(),
            "input 'x': element [1, 1] is 0, which b1 cannot "
            "hold (odd values from -1 to 1)");
  p.set("x", Ints{1, 1, -1, 1}).set("s", Ints{1, 512});
  EXPECT_EQ(p.run().message(), "input 's': element [1] is 512, outside [-511, "
                               "511], its declared range");
  p.tensors[1] = HostTensor({Encoding::Signed, 16}, {3});
  EXPECT_EQ(p.run().message(), "input 's' has the shape [3], expected [2]");
  p.tensors[1] = HostTensor({Encoding::Signed, 8}, {2});
  EXPECT_EQ(p.run().message(), "input 's' has elements of s8, expected s16");
  p.tensors.resize(1);
  EXPECT_EQ(p.run().message(), "op 'f' has 2 inputs, but 1 were given");
}

TEST(Interpreter, evaluationOnDemandEqualsTheWholeRun) {
  Program p("op twice(x: s4[6] pad(0), w: s4[3], v: s4[3])\n"
            "    -> (y: s8[6] pad(1), z: i32[6]) {\n"
            "  y[i] = sum(r) x[i + r - 1] * w[r]\n"
            "  z[i] = sum(r) y[i + r - 1] * v[r]\n}\n");
  ASSERT_TRUE(p.ok());
  p.set("x", Ints{1, -2, 3, -4, 5, -6});
  p.set("w", Ints{7, -8, 7}).set("v", Ints{1, 2, -3});
  std::vector<HostTensor> inputs = p.tensors;
  EXPECT_RUNS(p);
  Interpreter onDemand(p.op(), {});
  const Status bound = onDemand.bindInputs(inputs);
  ASSERT_TRUE(bound.ok());
  for (int64_t i = 5; i >= 0; --i) {
    for (const char *name : {"z", "y", "x"}) {
      const auto value = onDemand.evaluateAt(p.idOf(name), {i});
      ASSERT_TRUE(value.ok()) << value.message();
      EXPECT_EQ(value->intValue, p.ints(name)[size_t(i)]) << name << i;
    }
  }
  EXPECT_EQ(onDemand.evaluateAt(p.idOf("z"), {6}).message(),
            "'z' has no element [6]; its shape is [6]");
}

TEST(Interpreter, countsMultiplyAccumulates) {
  Program p("op f(x: s4[?m <= 8, 4], w: s4[3, 4], s: f32[3])\n"
            "    -> (y: f32[?m, 3], z: i32[?m]) {\n"
            "  acc[i,o] = sum(k) x[i,k] * w[o,k]\n"
            "  y[i,o] = acc[i,o] * s[o]\n"
            "  z[i] = max(g:2) (sum(k:2) x[i, 2*g + k])\n}\n");
  ASSERT_TRUE(p.ok());
  EXPECT_EQ(multiplyAccumulates(p.op(), {5}), 5 * 3 * 4 + 5 * 2 * 2);
  EXPECT_EQ(interpreterSteps(p.op(), {5}), 5 * 3 * 4 + 5 * 3 + 5 * 2 * 2);
  EXPECT_EQ(multiplyAccumulates(p.op(), {0}), 0);
}

TEST(Interpreter, aWrongProofIsAnErrorAndNotAnAnswer) {
  Program p("op f(x: s8[2]) -> (y: i32[2]) { y[i] = x[i] + 1 }\n");
  ASSERT_TRUE(p.ok());
  p.set("x", Ints{0, 100});
  p.op().statements[0].value->range = {-10, 10};
  EXPECT_EQ(p.run().message(),
            "'y' at [1]: the value 101 is outside the proved range [-10, 10]: "
            "the proof is wrong, please report it");
  p.set("x", Ints{0, 1});
  EXPECT_RUNS(p);
}

TEST(Interpreter, whatRangesCannotExcludeIsAnError) {
  Program p("op f(x: s8[1]) -> (y: i32[1]) { y[i] = floordiv(x[i], 2) }\n");
  ASSERT_TRUE(p.ok());
  p.set("x", Ints{3});
  ast::Expr &divisor = *p.op().statements[0].value->operands[1];
  divisor.intValue = 0;
  divisor.range = {0, 0};
  EXPECT_EQ(p.run().message(), "'y' at [0]: a division by zero");
}

} // namespace
