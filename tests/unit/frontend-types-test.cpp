// What the front end reports about the types and value ranges of expressions.
#include "tests/unit/FrontendTesting.h"

using namespace lpgen;

TEST(FrontendTypes, IntegerDivision) {
  expectDiagnostics(
      R"(op f(x: u2[4], z: u2[4]) -> (y: u2[4]) {
  y[i] = x[i] / z[i]
})",
      R"(2:15: error: integers have no '/'; use floordiv(a, b), rounddiv(a, b) or a >> b, or f32(a) / b)");
}

TEST(FrontendTypes, FloatStoredToInteger) {
  expectDiagnostics(
      R"(op f(x: f32[4]) -> (y: u2[4]) {
  y[i] = x[i] * 2
})",
      R"(2:15: error: an f32 value is stored to 'y' of type u2; convert it with round, floor, ceil or trunc
1:21: note: 'y' is declared here)");
}

TEST(FrontendTypes, RoundOfInteger) {
  expectDiagnostics(
      R"(op f(x: u2[4]) -> (y: u2[4]) {
  y[i] = round(x[i] * 2)
})",
      R"(2:10: error: 'round' takes an f32 value, found an integer; leave it out)");
}

TEST(FrontendTypes, FloatOperandsOfIntegerFunctions) {
  expectDiagnostics(
      R"(op f(x: f32[4]) -> (y: i32[4]) {
  y[i] = floordiv(x[i], 2) + (x[i] >> 1) + wrap(x[i]) + round(random(x[i]))
})",
      R"(2:19: error: the left operand must be an integer, found f32; convert it with round, floor, ceil or trunc
2:31: error: the left operand must be an integer, found f32; convert it with round, floor, ceil or trunc
2:49: error: the argument of 'wrap' must be an integer, found f32; convert it with round, floor, ceil or trunc
2:70: error: the seed of 'random' must be an integer, found f32; convert it with round, floor, ceil or trunc)");
}

TEST(FrontendTypes, DivisorContainsZero) {
  expectDiagnostics(
      R"(op f(x: u2[4], z: s4[4]) -> (y: i32[4]) {
  y[i] = floordiv(x[i], z[i]) + rounddiv(x[i], 0)
})",
      R"(2:25: error: the divisor ranges over [-8, 7], which contains 0
2:48: error: the divisor ranges over [0, 0], which contains 0)");
}

TEST(FrontendTypes, ShiftOutOfRange) {
  expectDiagnostics(
      R"(op f(x: u2[4], z: s4[4]) -> (y: i32[4]) {
  y[i] = x[i] >> z[i]
})",
      R"(2:18: error: the shift ranges over [-8, 7]; shifts go from 0 to 63)");
}

TEST(FrontendTypes, RescaleRanges) {
  expectDiagnostics(
      R"(op f(x: i64[4], m: i32, s: s7) -> (y: i32[4]) {
  y[i] = rescale(x[i], m, s)
})",
      R"(2:18: error: the first argument of 'rescale' ranges over [-9223372036854775808, 9223372036854775807] but must lie in [-2147483648, 2147483647]
2:24: error: the multiplier of 'rescale' ranges over [-2147483648, 2147483647] but must lie in [0, 2147483647]
2:27: error: the shift of 'rescale' ranges over [-64, 63] but must lie in [-31, 30])");
}

TEST(FrontendTypes, RescaleOnceRanges) {
  expectDiagnostics(
      R"(op f(m: i32, s: s7) -> (y: i64) {
  y = rescale_once(s, m)
})",
      R"(2:7: error: 'rescale_once' takes 3 argument(s), found 2)");
  expectDiagnostics(
      R"(op f(x: i64[4], m: i32, s: s7) -> (y: i64[4]) {
  y[i] = rescale_once(x[i], m, 0) + rescale_once(s, m, s)
})",
      R"(2:10: error: value ranges over [-19807040628566084396238503936, 19807040628566084398385987584], which does not fit a 64-bit integer; narrow the inputs with 'in [lo, hi]' or the value with clamp(...)
2:37: error: the shift ranges over [-33, 94]; shifts go from 0 to 63)");
}

TEST(FrontendTypes, WrongNumberOfArguments) {
  expectDiagnostics(R"(op f(x: u2[4]) -> (y: i32[4]) {
  y[i] = clamp(x[i], 1) + relu(x[i], 2) + max(x[i])
})",
                    R"(2:10: error: 'clamp' takes 3 argument(s), found 2
2:27: error: 'relu' takes 1 argument(s), found 2
2:43: error: 'max' takes 2 argument(s), found 1)");
}

TEST(FrontendTypes, FunctionsOfFloats) {
  expectDiagnostics(R"(param N = exp(2)
op f(x: f32[4]) -> (y: f32[4], z: u2[4]) {
  y[i] = exp(x[i], 1) + log()
  z[i] = tanh(x[i])
})",
                    R"(3:29: error: expected an expression, found ')'
1:11: error: 'exp' cannot stand in a constant)");
  expectDiagnostics(R"(op f(x: f32[4]) -> (y: f32[4], z: u2[4]) {
  y[i] = exp(x[i], 1)
  z[i] = argmax(j, k:2) x[j]
})",
                    R"(2:10: error: 'exp' takes 1 argument(s), found 2
3:10: error: 'argmax' takes one index, found 2)");
  expectDiagnostics(
      R"(op f(x: f32[4]) -> (y: u2[4]) {
  y[i] = tanh(x[i])
})",
      R"(2:10: error: an f32 value is stored to 'y' of type u2; convert it with round, floor, ceil or trunc
1:21: note: 'y' is declared here)");
}

// They are functions before '(' only, and never where an operator is called.
TEST(FrontendTypes, FunctionsAreNoReservedWords) {
  parseClean(R"(param log = 2
op exp(argmin: f32[4]) -> (tanh: f32[4]) {
  tanh[erf] = argmin[erf] * log
}
op f(x: f32[4], sqrt: f32) -> (y: f32[4], z: f32[4]) {
  y = exp(x)
  (a) = exp(x)
  sigmoid[i] = exp(a[i]) * sqrt
  z[argmax] = sum(rsqrt:2) sigmoid[argmax] * x[argmax]
})");
}

TEST(FrontendTypes, IndexOfExtreme) {
  Parsed parsed = parseClean(R"(op f(x: f32[3, 40]) -> (y: u6[3]) {
  best[i] = argmax(j) x[i,j]
  y[i] = best[i]
})");
  EXPECT_EQ(parsed.tensor("best").range, (ast::IntRange{0, 39}));
}

TEST(FrontendTypes, RangesOfProducts) {
  Parsed parsed = parseClean(R"(
op f(x: s4[3, 4], b: b1[2, 1000], t: t2[8], u: u4[?m <= 5] in [2, 3])
  -> (y: i64[3], z: i64[2], w: i64, v: i64) {
  a[i] = prod(k) x[i,k]
  c[i] = prod(k) b[i,k]
  d = prod(k) t[k]
  e = prod(k) u[k]
  y[i] = a[i]
  z[i] = c[i]
  w = d
  v = e
})");
  EXPECT_EQ(parsed.tensor("a").range, (ast::IntRange{-3584, 4096}));
  EXPECT_EQ(parsed.tensor("c").range, (ast::IntRange{-1, 1}));
  EXPECT_EQ(parsed.tensor("d").range, (ast::IntRange{-1, 1}));
  EXPECT_EQ(parsed.tensor("e").range, (ast::IntRange{1, 243}));
}

TEST(FrontendTypes, ReducedProductOverflowsInt64) {
  expectDiagnostics(
      R"(op f(x: s8[0x10000000000]) -> (y: i64) {
  y = prod(k) x[k]
})",
      R"(2:7: error: value ranges over [-1171368248680556527616, 1180591620717411303424], which does not fit a 64-bit integer; narrow the inputs with 'in [lo, hi]' or the value with clamp(...))");
}

TEST(FrontendTypes, RangesUpToAnIndex) {
  Parsed parsed = parseClean(R"(
op f(x: s4[40, 5] in [-7, -1], u: u4[?m <= 5]) -> (y: i32[40, 5], v: i32[?m], at: u6[40]) {
  a[i,c] = sum(k <= i) x[k,c]
  b[i] = sum(k <= i) (u[k] + 1)
  y[i,c] = a[i,c]
  v[i] = b[i]
  at[i] = argmax(k <= i) x[k,0]
})");
  EXPECT_EQ(parsed.tensor("a").range, (ast::IntRange{-280, -1}));
  EXPECT_EQ(parsed.tensor("b").range, (ast::IntRange{1, 80}));
}

TEST(FrontendTypes, SumOverflowsInt64) {
  expectDiagnostics(
      R"(op f(x: i32[0x10000], w: i32[0x10000]) -> (y: i64) {
  y = sum(k) x[k] * w[k]
})",
      R"(2:7: error: value ranges over [-302231454762919805321216, 302231454903657293676544], which does not fit a 64-bit integer; narrow the inputs with 'in [lo, hi]' or the value with clamp(...))");
}

TEST(FrontendTypes, ProductOverflowsInt64) {
  expectDiagnostics(
      R"(op f(x: i64[4], w: i32[4]) -> (y: i64[4]) {
  y[i] = x[i] * w[i]
})",
      R"(2:15: error: value ranges over [-19807040628566084396238503936, 19807040628566084398385987584], which does not fit a 64-bit integer; narrow the inputs with 'in [lo, hi]' or the value with clamp(...))");
}

TEST(FrontendTypes, OverflowReportedOnce) {
  expectDiagnostics(
      R"(op f(x: i64[4]) -> (y: i64[4]) {
  a[i] = x[i] * 4
  y[i] = a[i] + 1
})",
      R"(2:15: error: value ranges over [-36893488147419103232, 36893488147419103228], which does not fit a 64-bit integer; narrow the inputs with 'in [lo, hi]' or the value with clamp(...))");
}

TEST(FrontendTypes, AccumulatorOverflowsInt32) {
  expectDiagnostics(
      R"(op f(x: s16[1024], w: s16[1024]) -> (y: i32) {
  y = sum(k) x[k] * w[k]
})",
      R"(2:7: warning: a value in [-1099478073344, 1099511627776] does not fit 'y' of type i32 and saturates
1:38: note: 'y' is declared here; declare it i64, or the inputs with 'in [lo, hi]')");
}

TEST(FrontendTypes, AccumulatorFitsInt32) {
  expectDiagnostics(
      R"(op f(x: s16[8, 1024] in [-511, 511], w: s16[1024] in [-511, 511]) -> (y: i32[8]) {
  y[m] = sum(k) x[m,k] * w[k]
})",
      "");
}
