// What the front end reports about statements: names, extents and subscripts.
// Every message with its place and the note that goes with it.
#include "tests/unit/FrontendTesting.h"

using namespace lpgen;

TEST(FrontendStatements, UnknownNames) {
  expectDiagnostics(R"(op f(x: u2[4]) -> (y: u2[4]) {
  y[i] = x[k] + z[i] + q + x[i]
})",
                    R"(2:12: error: unknown name 'k'
2:17: error: unknown name 'z'
2:24: error: unknown name 'q')");
}

TEST(FrontendStatements, WrongRank) {
  expectDiagnostics(
      R"(op f(x: u2[4, 4], s: i32) -> (y: u2[4]) {
  y[i] = x[i] + s[i] + x
})",
      R"(2:10: error: 'x' has 2 dimension(s) but is read with 1 subscript(s)
1:6: note: 'x' is declared here
2:17: error: 's' has 0 dimension(s) but is read with 1 subscript(s)
1:19: note: 's' is declared here
2:24: error: 'x' has 2 dimension(s) but is read with 0 subscript(s)
1:6: note: 'x' is declared here)");
}

TEST(FrontendStatements, WrongRankOnTheLeft) {
  expectDiagnostics(
      R"(op f(x: u2[4, 4]) -> (y: u2[4]) {
  y[i,j] = x[i,j]
})",
      R"(2:3: error: 'y' has 1 dimension(s) but is assigned with 2 index(es)
1:23: note: 'y' is declared here)");
}

TEST(FrontendStatements, ParameterWithSubscripts) {
  expectDiagnostics(R"(param N = 4
op f(x: u2[4]) -> (y: u2[4]) {
  y[i] = N[i] + x[i]
})",
                    R"(3:10: error: 'N' is a parameter and has no subscripts
1:7: note: the parameter is declared here)");
}

TEST(FrontendStatements, ReadBeforeAssignment) {
  expectDiagnostics(R"(op f(x: u2[4]) -> (y: u2[4], z: u2[4]) {
  y[i] = z[i]
  z[i] = x[i]
})",
                    R"(2:10: error: 'z' is read before it is assigned
3:3: note: assigned here)");
}

TEST(FrontendStatements, ReadInItsOwnDefinition) {
  expectDiagnostics(R"(op f(x: u2[4]) -> (y: i32[4]) {
  a[i] = a[i] + x[i]
  y[i] = a[i]
})",
                    R"(2:10: error: 'a' is read in its own definition
2:3: note: assigned here)");
}

TEST(FrontendStatements, IndexWithSubscripts) {
  expectDiagnostics(R"(op f(x: u2[4]) -> (y: i32[4]) {
  y[i] = x[i] + i[i]
})",
                    R"(2:17: error: 'i' is an index and has no subscripts)");
}

TEST(FrontendStatements, ComputedSubscriptOutside) {
  expectDiagnostics(
      R"(op f(x: u2[4], z: u2[?m <= 4]) -> (y: i32[9], w: i32[?m]) {
  y[i] = x[floordiv(i, 2)]
  w[i] = z[i % 4] + x[i << 62]
})",
      R"(2:12: error: subscript ranges over [0, 4] but dimension 0 of 'x' has extent 4
1:6: note: 'x' is declared without padding; add 'pad(VALUE)' to read outside it
3:12: error: subscript ranges over [0, 3] but dimension 0 of 'z' has extent ?m
1:16: note: 'z' is declared without padding; add 'pad(VALUE)' to read outside it
3:25: error: value ranges over [0, 13835058055282163712], which does not fit a 64-bit integer; narrow the inputs with 'in [lo, hi]' or the value with clamp(...))");
}

TEST(FrontendStatements, BadIntegerOperators) {
  expectDiagnostics(
      R"(op f(x: s4[4], f: f32[4]) -> (y: i32[4]) {
  y[i] = x[i] % x[i] + (x[i] << -1) + (f[i] & 1)
})",
      R"(2:17: error: the divisor ranges over [-8, 7], which contains 0
2:33: error: the shift ranges over [-1, -1]; shifts go from 0 to 63
2:40: error: the left operand must be an integer, found f32; convert it with round, floor, ceil or trunc)");
}

TEST(FrontendStatements, Shadowing) {
  expectDiagnostics(R"(param N = 4
op f(x: u2[4], n: u2[4]) -> (y: i32[4], z: i32[4], w: i32[4], v: i32[4, 4]) {
  y[i] = sum(i) x[i] * n[i]
  z[x] = n[x]
  w[N] = n[N]
  v[i,i] = n[i]
})",
                    R"(3:14: error: index 'i' is already in use here
3:5: note: first used here; choose another name
4:5: error: index 'x' has the name of a tensor
2:6: note: the tensor is declared here
5:5: error: index 'N' has the name of a parameter
1:7: note: the parameter is declared here
6:7: error: index 'i' stands twice on the left-hand side
6:5: note: first used here; choose another name)");
}

TEST(FrontendStatements, ShadowedReduction) {
  expectDiagnostics(R"(op f(x: u2[4, 4]) -> (y: i32) {
  y = sum(k) (sum(k) x[k,k])
})",
                    R"(2:19: error: index 'k' is already in use here
2:11: note: first used here; choose another name)");
}

TEST(FrontendStatements, DuplicateInReductionList) {
  expectDiagnostics(R"(op f(x: u2[4, 4]) -> (y: i32) {
  y = sum(k, k) x[k,k]
})",
                    R"(2:14: error: index 'k' is already in use here
2:11: note: first used here; choose another name)");
}

TEST(FrontendStatements, ExtentsDisagree) {
  expectDiagnostics(
      R"(op f(x: u2[8, 28], w: u2[16, 32]) -> (y: i32[8, 16]) {
  y[m,n] = sum(k) x[m,k] * w[n,k]
})",
      R"(2:32: error: index 'k' has extent 32 in dimension 1 of 'w' but extent 28 in dimension 1 of 'x'
2:23: note: extent 28 comes from here)");
}

TEST(FrontendStatements, ExtentDisagreesWithOutput) {
  expectDiagnostics(
      R"(op f(x: u2[8]) -> (y: i32[4]) {
  y[m] = x[m]
})",
      R"(2:12: error: index 'm' has extent 8 in dimension 0 of 'x' but extent 4 in dimension 0 of 'y'
2:5: note: extent 4 comes from here)");
}

TEST(FrontendStatements, ExtentDisagreesWithList) {
  expectDiagnostics(
      R"(op f(x: u2[8]) -> (y: i32) {
  y = sum(k:4) x[k]
})",
      R"(2:18: error: index 'k' has extent 8 in dimension 0 of 'x' but extent 4 in the list of 'sum'
2:13: note: extent 4 comes from here)");
}

TEST(FrontendStatements, ExtentDisagreesThroughIntermediate) {
  expectDiagnostics(
      R"(op f(x: u2[8]) -> (y: i32[4]) {
  a[i] = x[i] + 1
  y[j] = a[j]
})",
      R"(3:12: error: index 'j' has extent 4 in dimension 0 of 'y' but extent 8 in dimension 0 of 'x'
2:12: note: extent 8 comes from here
3:5: note: extent 4 comes from here)");
}

TEST(FrontendStatements, ExtentSymbolAgainstConstant) {
  expectDiagnostics(
      R"(op f(x: u2[?m <= 8], z: u2[8]) -> (y: i32[?m]) {
  y[i] = x[i] + z[i]
})",
      R"(2:19: error: index 'i' has extent 8 in dimension 0 of 'z' but extent ?m in dimension 0 of 'y'
2:5: note: extent ?m comes from here)");
}

TEST(FrontendStatements, NoExtentInReduction) {
  expectDiagnostics(
      R"(op f(x: u2[28]) -> (y: i32[14]) {
  y[h] = max(r) x[2*h + r]
})",
      R"(2:14: error: index 'r' has no extent: it stands alone in no dimension of known extent; write 'r:EXTENT' in the list of the reduction)");
}

TEST(FrontendStatements, ReductionUpToAnIndex) {
  EXPECT_EQ(parseClean(R"(op f(x: u2[28]) -> (y: i32) {
  a[i] = max(k <= i) x[k]
  y = sum(i) a[i]
})")
                .tensor("a")
                .shape[0]
                .size,
            28);
  expectDiagnostics(
      R"(op f(x: u2[28], z: u2[9, 9]) -> (y: i32[27], v: i32[28], w: i32[9], u: i32[9]) {
  y[h] = sum(k <= h) x[k]
  v[h] = sum(k <= x) x[k]
  w[h] = sum(k <= h, l) z[k,l]
  u[h] = sum(k <= k) z[h,k]
})",
      R"(2:24: error: index 'k' has extent 28 in dimension 0 of 'x' but extent 27 in dimension 0 of 'y'
2:5: note: extent 27 comes from here
3:19: error: 'x' is no index of the left-hand side or of a reduction around this one
4:19: error: an index that goes up to another one stands alone in its list; nest the reductions
5:19: error: 'k' is no index of the left-hand side or of a reduction around this one)");
}

TEST(FrontendStatements, NoExtentOnTheLeft) {
  expectDiagnostics(
      R"(op f(x: u2[28]) -> (y: i32) {
  a[h] = sum(r:3) x[h + r]
  y = sum(h) a[h]
})",
      R"(2:5: error: index 'h' has no extent: it stands alone in no dimension of known extent; declare 'a' with its extents, 'NAME[...]: TYPE[EXTENT, ...] = ...')");
}

TEST(FrontendStatements, OutsideWithoutPadding) {
  expectDiagnostics(
      R"(op conv(x: u2[1, 28],
        w: u2[3]) -> (y: i32[1, 28]) {
  y[n,h] = sum(r) x[n, h + r - 1] * w[r]
})",
      R"(3:24: error: subscript ranges over [-1, 28] but dimension 1 of 'x' has extent 28
1:9: note: 'x' is declared without padding; add 'pad(VALUE)' to read outside it)");
}

TEST(FrontendStatements, OutsideOfIntermediate) {
  expectDiagnostics(
      R"(op f(x: u2[28]) -> (y: i32[28]) {
  a[h] = x[h] + 1
  y[h] = sum(r:3) a[h + r]
})",
      R"(3:21: error: subscript ranges over [0, 29] but dimension 0 of 'a' has extent 28
2:3: note: 'a' is an intermediate; declare it with a padding, 'NAME[...]: TYPE pad(VALUE) = ...', to read outside it)");
}

TEST(FrontendStatements, OutsideOfTypedIntermediate) {
  expectDiagnostics(
      R"(op f(x: u2[28]) -> (y: i32[28]) {
  a[h]: u3 = x[h] + 1
  y[h] = sum(r:3) a[h + r]
})",
      R"(3:21: error: subscript ranges over [0, 29] but dimension 0 of 'a' has extent 28
2:3: note: 'a' is declared without padding; add 'pad(VALUE)' to read outside it)");
}

TEST(FrontendStatements, TypedIntermediateInWrongPlaces) {
  expectDiagnostics(
      R"(op f(x: u2[28]) -> (y: i32[28]) {
  a[h]: u4[28, 2] = x[h]
  b[h]: u4[7] = x[h]
  c[h]: u99 = x[h]
  d[h]: u4 in [0, 3] = x[h]
  e: u4 pad(0) = 3
  y[h]: i32 = x[h]
})",
      R"(4:9: error: type 'u' has widths from 1 to 16, found 99
5:12: error: 'in' describes inputs; the range of intermediate 'd' follows from its statement, use clamp(...) there
6:9: error: 'e' is a scalar, which has no outside to pad
7:9: error: output 'y' is declared already; leave its type out here
1:21: note: 'y' is declared here)");
  expectDiagnostics(
      R"(op f(x: u2[28]) -> (y: i32[28]) {
  a[h]: u4[28, 2] = x[h]
  b[h]: u4[7] = x[h]
  y[h] = x[h]
})",
      R"(2:3: error: 'a' has 2 dimension(s) but is assigned with 1 index(es)
2:3: note: 'a' is declared here
3:19: error: index 'h' has extent 28 in dimension 0 of 'x' but extent 7 in dimension 0 of 'b'
3:5: note: extent 7 comes from here)");
}

TEST(FrontendStatements, SizeOfAnIntermediateAlone) {
  expectDiagnostics(
      R"(op f(x: u2[28]) -> (y: i32) {
  a[h]: u4[?n <= 28] = x[h + 0]
  y = sum(h) a[h]
})",
      R"(2:12: error: run-time size '?n' stands in no input and no output before; an intermediate has the sizes of others)");
}

TEST(FrontendStatements, OutsideOfOutput) {
  expectDiagnostics(
      R"(op f(x: u2[28]) -> (a: i32[28], y: i32[28]) {
  a[h] = x[h] + 1
  y[h] = sum(r:3) a[h + r]
})",
      R"(3:21: error: subscript ranges over [0, 29] but dimension 0 of 'a' has extent 28
1:21: note: 'a' is declared without padding; add 'pad(VALUE)' to read outside it)");
}

TEST(FrontendStatements, FractionWithoutPadding) {
  expectDiagnostics(
      R"(op f(x: u2[28]) -> (y: i32[55]) {
  y[h] = x[h / 2]
})",
      R"(2:12: error: subscript is not always a multiple of its divisor, which reads outside dimension 0 of 'x'
1:6: note: 'x' is declared without padding; add 'pad(VALUE)' to read outside it)");
}

TEST(FrontendStatements, RunTimeSizeWithoutPadding) {
  expectDiagnostics(
      R"(op f(x: u2[?m <= 8]) -> (y: i32[?m]) {
  y[i] = x[i + 1]
})",
      R"(2:12: error: subscript ranges over [1, 8] but dimension 0 of 'x' has extent ?m
1:6: note: 'x' is declared without padding; add 'pad(VALUE)' to read outside it)");
}

TEST(FrontendStatements, NotAffine) {
  expectDiagnostics(
      R"(param N = 2
op f(x: u2[4] pad(0)) -> (y: i32[4, 4]) {
  y[i,j] = x[i*j] + x[i/2 + 1] + x[i/j] + x[i/(1-N)] + x[1.5*i] + x[k + 1] + x[k % 2]
})",
      R"(3:15: error: a subscript is a sum of indices times constants, at most divided by a constant as a whole, or has floordiv(a, b) and a % b
3:24: error: '/' is allowed only around a whole subscript; floordiv(a, b) can stand anywhere
3:38: error: a subscript is divided by a constant: a literal or a parameter
3:48: error: a subscript is divided by a positive constant, found -1
3:61: error: a subscript is a sum of indices times constants, at most divided by a constant as a whole, or has floordiv(a, b) and a % b
3:69: error: unknown name 'k'
3:80: error: unknown name 'k')");
}

TEST(FrontendStatements, SubscriptOverflow) {
  expectDiagnostics(R"(op f(x: u2[4] pad(0)) -> (y: i32[4]) {
  y[i] = x[0x7fffffffffffffff*i + 0x7fffffffffffffff*i] + x[0x7fffffffffffffff*i + 1]
})",
                    R"(2:33: error: subscript does not fit 64-bit arithmetic)");
}

TEST(FrontendStatements, TooManyIndexCombinations) {
  expectDiagnostics(
      R"(op f(x: u2[4]) -> (y: i64) {
  y = sum(a:0x10000000000, b:0x10000000000, i) x[i]
})",
      R"(1:20: error: the indices of this statement have more than 2^62 combinations)");
}

TEST(FrontendStatements, LookupOutside) {
  expectDiagnostics(
      R"(op f(x: u4[4], t: s8[15]) -> (y: s8[4]) {
  y[i] = t[x[i]]
})",
      R"(2:12: error: look-up subscript ranges over [0, 15] but dimension 0 of 't' has extent 15
1:16: note: 't' is declared here; look-ups are not padded, use clamp(...))");
}

TEST(FrontendStatements, LookupInRunTimeSize) {
  expectDiagnostics(
      R"(op f(x: u1[4], t: s8[?m <= 2]) -> (y: s8[4]) {
  y[i] = t[x[i]]
})",
      R"(2:12: error: look-up subscript ranges over [0, 1] but dimension 0 of 't' has extent ?m
1:16: note: 't' is declared here; look-ups are not padded, use clamp(...))");
}

TEST(FrontendStatements, LookupFloat) {
  expectDiagnostics(
      R"(op f(x: f32[4], t: s8[16]) -> (y: s8[4]) {
  y[i] = t[x[i]]
})",
      R"(2:12: error: a subscript must be an integer, found f32; convert it with round, floor, ceil or trunc)");
}

TEST(FrontendStatements, LookupInReductionLeavesTheTable) {
  expectDiagnostics(
      R"(op f(x: u4[4], t: s8[15]) -> (y: i32) {
  y = sum(i) t[x[i]]
})",
      R"(2:16: error: look-up subscript ranges over [0, 15] but dimension 0 of 't' has extent 15
1:16: note: 't' is declared here; look-ups are not padded, use clamp(...))");
}

TEST(FrontendStatements, ReductionInLookup) {
  expectDiagnostics(
      R"(op f(x: u2[4], t: s8[16]) -> (y: s8) {
  y = t[sum(i) x[i]]
})",
      R"(2:9: error: a reduction cannot stand in a subscript; assign it to an intermediate first)");
}

TEST(FrontendStatements, RandomInReduction) {
  expectDiagnostics(
      R"(op f(x: u2[4]) -> (y: f32) {
  y = sum(i) x[i] * random(1)
})",
      R"(2:21: error: 'random' cannot stand inside a reduction: it gives one number per element of the target)");
}

TEST(FrontendStatements, SubscriptRangeOverflow) {
  expectDiagnostics(R"(op f(x: u2[4] pad(0)) -> (y: i32[4]) {
  y[i] = x[0x7fffffffffffffff*i + 1]
})",
                    R"(2:12: error: subscript does not fit 64-bit arithmetic)");
}

TEST(FrontendStatements, SubscriptConstantIsNoInteger) {
  expectDiagnostics(
      R"(param N = 3
op f(x: u2[4] pad(0)) -> (y: i32) {
  y = x[N / 2]
})",
      R"(3:11: error: 3 / 2 is not an integer; use floordiv or rounddiv)");
}
