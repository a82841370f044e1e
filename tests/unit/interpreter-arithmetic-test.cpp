// Arithmetic of the interpreter, its functions and stores, against results
// worked out by hand.
#include "base/types/Scalar.h"
#include "tests/unit/InterpreterTesting.h"
#include <cmath>
#include <limits>

using namespace lpgen;
using namespace lpgen::testing;

namespace {

constexpr float inf = std::numeric_limits<float>::infinity();
constexpr float nan = std::numeric_limits<float>::quiet_NaN();

TEST(Interpreter, floatSumsRunInWrittenOrder) {
  Program p("op f(x: f32[2, 2]) -> (rows: f32, columns: f32) {\n"
            "  rows = sum(i, j) x[i,j]\n"
            "  columns = sum(j, i) x[i,j]\n}\n");
  ASSERT_TRUE(p.ok());
  p.set("x", Floats{1e8f, 1.0f, -1e8f, 1.0f});
  EXPECT_RUNS(p);
  EXPECT_EQ(p.floats("rows"), (Floats{1.0f}));
  EXPECT_EQ(p.floats("columns"), (Floats{2.0f}));
}

TEST(Interpreter, productsAreFusedIntoTheirSum) {
  Program p("op f(a: f32[2], b: f32[2]) -> (fused: f32, rounded: f32) {\n"
            "  fused = sum(i) a[i] * b[i]\n"
            "  rounded = sum(i) (a[i] * b[i] + 0)\n}\n");
  ASSERT_TRUE(p.ok());
  p.set("a", Floats{-1, 1 + 0x1p-12f});
  p.set("b", Floats{1 + 0x1p-11f, 1 + 0x1p-12f});
  EXPECT_RUNS(p);
  EXPECT_EQ(p.floats("fused"), (Floats{0x1p-24f}));
  EXPECT_EQ(p.floats("rounded"), (Floats{0.0f}));
}

TEST(Interpreter, functionsOfFloats) {
  Program p("op f(x: f32[2], i: s4) -> (y: f32[2], z: f32, exp: f32) {\n"
            "  y[k] = exp(x[k])\n"
            "  z = sqrt(i)\n"
            "  exp = z\n}\n");
  ASSERT_TRUE(p.ok());
  p.set("x", Floats{1.0f, -inf}).set("i", Ints{4});
  EXPECT_RUNS(p);
  EXPECT_EQ(p.floats("y"), (Floats{2.71828175f, 0.0f}));
  EXPECT_EQ(p.floats("z"), (Floats{2.0f}));
  EXPECT_EQ(p.floats("exp"), (Floats{2.0f}));
}

TEST(Interpreter, floatOperationsRoundOneByOne) {
  Program p("op f(a: f32[1], b: f32[1]) -> (y: f32[1]) {\n"
            "  y[i] = a[i] * a[i] + b[i]\n}\n");
  ASSERT_TRUE(p.ok());
  // The square is 1 + 2^-11 + 2^-24; its last term is lost to rounding, which a
  // fused multiply-add would keep.
  p.set("a", Floats{1 + 0x1p-12f}).set("b", Floats{-(1 + 0x1p-11f)});
  EXPECT_RUNS(p);
  EXPECT_EQ(p.floats("y"), (Floats{0.0f}));
}

TEST(Interpreter, floatOperations) {
  Program p("op f(a: f32[3], b: f32[3]) -> (q: f32[3], n: f32[3], lo: f32[3],\n"
            "    hi: f32[3], lt: u1[3], ne: u1[3]) {\n"
            "  q[i] = a[i] / b[i]\n"
            "  n[i] = -abs(a[i] - b[i])\n"
            "  lo[i] = min(a[i], b[i])\n"
            "  hi[i] = max(a[i], b[i])\n"
            "  lt[i] = a[i] < b[i]\n"
            "  ne[i] = a[i] != b[i]\n}\n");
  ASSERT_TRUE(p.ok());
  p.set("a", Floats{1, -0.0f, nan}).set("b", Floats{4, 0, 1});
  EXPECT_RUNS(p);
  EXPECT_EQ(p.floats("q")[0], 0.25f);
  EXPECT_TRUE(std::isnan(p.floats("q")[1]));
  EXPECT_EQ(p.floats("n")[0], -3.0f);
  EXPECT_TRUE(std::signbit(p.floats("lo")[1]));
  EXPECT_FALSE(std::signbit(p.floats("hi")[1]));
  EXPECT_TRUE(std::isnan(p.floats("lo")[2]) && std::isnan(p.floats("hi")[2]));
  EXPECT_EQ(p.ints("lt"), (Ints{1, 0, 0}));
  EXPECT_EQ(p.ints("ne"), (Ints{1, 0, 1}));
}

TEST(Interpreter, floatToIntegerConversions) {
  Program p(
      "op f(x: f32[5]) -> (a: i32[5], b: i32[5], c: i32[5], d: i32[5]) {\n"
      "  a[i] = round(x[i])\n"
      "  b[i] = floor(x[i])\n"
      "  c[i] = ceil(x[i])\n"
      "  d[i] = trunc(x[i])\n}\n");
  ASSERT_TRUE(p.ok());
  p.set("x", Floats{2.5f, -1.5f, nan, inf, -1e20f});
  EXPECT_RUNS(p);
  EXPECT_EQ(p.ints("a"), (Ints{2, -2, 0, INT32_MAX, INT32_MIN}));
  EXPECT_EQ(p.ints("b"), (Ints{2, -2, 0, INT32_MAX, INT32_MIN}));
  EXPECT_EQ(p.ints("c"), (Ints{3, -1, 0, INT32_MAX, INT32_MIN}));
  EXPECT_EQ(p.ints("d"), (Ints{2, -1, 0, INT32_MAX, INT32_MIN}));
}

TEST(Interpreter, integersMeetFloats) {
  Program p("op f(x: i32[2], s: f32[2]) -> (y: f32[2], z: f32[2]) {\n"
            "  y[i] = x[i] * s[i]\n"
            "  z[i] = x[i]\n}\n");
  ASSERT_TRUE(p.ok());
  p.set("x", Ints{3, 16777219}).set("s", Floats{0.5f, 1.0f});
  EXPECT_RUNS(p);
  EXPECT_EQ(p.floats("y"), (Floats{1.5f, 16777220.0f}));
  EXPECT_EQ(p.floats("z"), (Floats{3.0f, 16777220.0f}));
}

TEST(Interpreter, integerFunctions) {
  Program p("op f(x: s16[4]) -> (a: i32[4], b: i32[4], c: i32[4], d: i32[4],\n"
            "    e: i32[4], g: i32[4], h: i32[4], k: i32[4]) {\n"
            "  a[i] = floordiv(x[i], 2)\n"
            "  b[i] = rounddiv(x[i], 2)\n"
            "  c[i] = x[i] >> 1\n"
            "  d[i] = abs(x[i]) - -x[i]\n"
            "  e[i] = clamp(x[i], -2, 2)\n"
            "  g[i] = relu(x[i])\n"
            "  h[i] = min(x[i], 1) + max(x[i], 3)\n"
            "  k[i] = wrap(x[i] * 1073741824)\n}\n");
  ASSERT_TRUE(p.ok());
  p.set("x", Ints{-7, -2, 3, 4});
  EXPECT_RUNS(p);
  EXPECT_EQ(p.ints("a"), (Ints{-4, -1, 1, 2}));
  EXPECT_EQ(p.ints("b"), (Ints{-4, -1, 2, 2}));
  EXPECT_EQ(p.ints("c"), (Ints{-4, -1, 1, 2}));
  EXPECT_EQ(p.ints("d"), (Ints{0, 0, 6, 8}));
  EXPECT_EQ(p.ints("e"), (Ints{-2, -2, 2, 2}));
  EXPECT_EQ(p.ints("g"), (Ints{0, 0, 3, 4}));
  EXPECT_EQ(p.ints("h"), (Ints{-4, 1, 4, 5}));
  // -7 * 2^30 is 2^30 below -6 * 2^30, that is 2^30 modulo 2^32.
  EXPECT_EQ(p.ints("k"), (Ints{1 << 30, INT32_MIN, -(1 << 30), 0}));
}

TEST(Interpreter, comparisonsOfIntegers) {
  Program p("op f(x: s8[3], y: s8[3]) -> (lt: u1[3], le: u1[3], gt: u1[3],\n"
            "    ge: u1[3], eq: u1[3], ne: u1[3]) {\n"
            "  lt[i] = x[i] < y[i]\n"
            "  le[i] = x[i] <= y[i]\n"
            "  gt[i] = x[i] > y[i]\n"
            "  ge[i] = x[i] >= y[i]\n"
            "  eq[i] = x[i] == y[i]\n"
            "  ne[i] = x[i] != y[i]\n}\n");
  ASSERT_TRUE(p.ok());
  p.set("x", Ints{-1, 0, 1}).set("y", Ints{0, 0, 0});
  EXPECT_RUNS(p);
  EXPECT_EQ(p.ints("lt"), (Ints{1, 0, 0}));
  EXPECT_EQ(p.ints("le"), (Ints{1, 1, 0}));
  EXPECT_EQ(p.ints("gt"), (Ints{0, 0, 1}));
  EXPECT_EQ(p.ints("ge"), (Ints{0, 1, 1}));
  EXPECT_EQ(p.ints("eq"), (Ints{0, 1, 0}));
  EXPECT_EQ(p.ints("ne"), (Ints{1, 0, 1}));
}

TEST(Interpreter, indicesOfExtremes) {
  Program p("op f(x: s4[5], a: f32[4], b: f32[4]) -> (y: i32[2], z: i32[4]) {\n"
            "  most = argmax(i) x[i]\n"
            "  least = argmin(i) x[i]\n"
            "  y[i] = most - least\n"
            "  ma = argmax(i) a[i]\n"
            "  la = argmin(i) a[i]\n"
            "  mb = argmax(i) b[i]\n"
            "  lb = argmin(i) b[i]\n"
            "  z[i] = 64 * ma + 16 * la + 4 * mb + lb\n}\n");
  ASSERT_TRUE(p.ok());
  p.set("x", Ints{3, 5, 5, -2, -2});
  p.set("a", Floats{-0.0f, 0.0f, -inf, -1.0f});
  p.set("b", Floats{1.0f, nan, inf, nan});
  EXPECT_RUNS(p);
  EXPECT_EQ(p.ints("y"), (Ints{1 - 3, 1 - 3}));
  EXPECT_EQ(p.ints("z")[0], 64 * 0 + 16 * 2 + 4 * 1 + 1);
}

TEST(Interpreter, storesSaturate) {
  Program p("op f(x: s8[6]) -> (a: u2[6], b: s4[6], c: t2[6], d: u8[6]) {\n"
            "  a[i] = x[i]\n"
            "  b[i] = x[i]\n"
            "  c[i] = x[i]\n"
            "  d[i] = 4 * x[i]\n}\n");
  ASSERT_TRUE(p.ok());
  p.set("x", Ints{-128, -1, 0, 2, 9, 127});
  EXPECT_RUNS(p);
  EXPECT_EQ(p.ints("a"), (Ints{0, 0, 0, 2, 3, 3}));
  EXPECT_EQ(p.ints("b"), (Ints{-8, -1, 0, 2, 7, 7}));
  EXPECT_EQ(p.ints("c"), (Ints{-1, -1, 0, 1, 1, 1}));
  EXPECT_EQ(p.ints("d"), (Ints{0, 0, 0, 8, 36, 255}));
}

TEST(Interpreter, storesToBipolarTypesTakeTheUpperOddNeighbour) {
  Program p("op f(x: s8[6]) -> (a: b1[6], b: b2[6]) {\n"
            "  a[i] = 2 * (x[i] >= 0) - 1\n"
            "  b[i] = x[i]\n}\n");
  ASSERT_TRUE(p.ok());
  p.set("x", Ints{-5, -2, -1, 0, 2, 7});
  EXPECT_RUNS(p);
  EXPECT_EQ(p.ints("a"), (Ints{-1, -1, -1, 1, 1, 1}));
  EXPECT_EQ(p.ints("b"), (Ints{-3, -1, -1, 1, 3, 3}));
}

TEST(Interpreter, exactIntermediatesBeyondThirtyTwoBits) {
  Program p("op f(x: i32[2]) -> (y: i32[2]) {\n"
            "  big[i] = x[i] * x[i]\n"
            "  y[i] = big[i] >> 32\n}\n");
  ASSERT_TRUE(p.ok());
  p.set("x", Ints{1 << 20, INT32_MIN});
  EXPECT_RUNS(p);
  EXPECT_EQ(p.ints("big"), (Ints{int64_t{1} << 40, int64_t{1} << 62}));
  EXPECT_EQ(p.ints("y"), (Ints{256, 1 << 30}));
}

} // namespace
