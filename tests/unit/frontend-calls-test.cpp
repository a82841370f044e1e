// Calls of operators, generic operators and included files: what they mean and
// what is refused, with the place of the call and that of the declaration.
#include "tests/unit/FrontendTesting.h"

using namespace lpgen;
using ast::IntRange;

namespace {

const char *const layer = R"(op layer<C, O, A, R, S = 1>(
  x: u{A}[?n <= 64, C] pad(0), w: s4[O, C], g: f32[O]) -> (y: u{R}[?n, O]) {
  acc[n,o] = sum(c) x[n,S*c] * w[o,c]
  y[n,o] = round(acc[n,o] * g[o])
}
)";

std::string withLayer(const std::string &text) { return layer + text; }

TEST(FrontendCalls, StatementsStandInPlaceOfTheCall) {
  Parsed parsed = parseClean(R"(op twice(x: u4[8]) -> (y: i32[8]) {
  t[i] = x[i] + x[i]
  y[i] = t[i]
}
op f(a: u4[8], b: u4[8]) -> (z: i32[8]) {
  p = twice(a)
  q = twice(b)
  z[i] = p[i] + q[i]
})");
  const ast::Op &op = parsed.op(1);
  ASSERT_EQ(op.statements.size(), 5U);
  std::vector<std::string> targets;
  targets.reserve(op.statements.size());
  for (const ast::Statement &statement : op.statements) {
    targets.push_back(op.tensors[statement.tensor].name);
  }
  EXPECT_EQ(targets, (std::vector<std::string>{"p.t", "p", "q.t", "q", "z"}));
  EXPECT_EQ(op.numInputs(), 2U);
  EXPECT_EQ(op.tensors[op.statements[0].tensor].role, ast::Role::Intermediate);
  // The argument itself is read, no copy of it.
  EXPECT_EQ(op.statements[2].value->operands[0]->tensor, 1U);
  EXPECT_EQ(op.statements[4].value->range, (IntRange{0, 60}));
}

TEST(FrontendCalls, ResultsAreOutputsOrIntermediates) {
  Parsed parsed =
      parseClean(R"(op f(x: s8[8] pad(1)) -> (low: u4[8], z: s8[8]) {
  (low, high: u4 pad(2)) = split(x)
  z[i] = low[i] + high[i + 1] - 16
}
op split<N>(x: s8[N]) -> (low: u4[N], high: u4[N]) {
  high[i] = x[i + 1] + 8
  low[i] = x[i]
})");
  const ast::Op &op = parsed.op(0);
  EXPECT_EQ(op.tensors[1].name, "low");
  EXPECT_EQ(op.statements[1].tensor, 1U);
  EXPECT_EQ(op.tensors[op.statements[0].tensor].name, "high");
  // The actual's padding governs in the callee where it declares none.
  EXPECT_EQ(op.statements[0].value->operands[0]->padding->value, 1);
}

TEST(FrontendCalls, PaddingOfTheFormalGoverns) {
  Parsed parsed = parseClean(R"(op least(x: s8[8] pad(lowest)) -> (y: s8[8]) {
  y[i] = max(r:3) x[i + r - 1]
}
op zero(x: s8[8] pad(z), z: s8) -> (y: s8[8]) {
  y[i] = x[i + 1] + z
}
op f(x: s8[8], z: s8) -> (y: s8[8]) {
  a = least(x)
  b = zero(x, z)
  y[i] = a[i] + b[i]
})");
  const ast::Op &op = parsed.op(2);
  EXPECT_FALSE(op.tensors[0].padding.has_value());
  const ast::Expr &max = *op.statements[0].value;
  EXPECT_EQ(max.operands[0]->padding->value, -128);
  const ast::Expr &shifted = *op.statements[1].value->operands[0];
  EXPECT_EQ(shifted.padding->kind, ast::Padding::Kind::Scalar);
  EXPECT_EQ(shifted.padding->tensor, 1U);
}

TEST(FrontendCalls, ParametersFollowFromArgumentsAndResults) {
  Parsed parsed = parseClean(withLayer(R"(
op net(x: u8[?m <= 32, 6], w1: s4[5, 6], g1: f32[5], w2: s4[3, 5], g2: f32[3])
  -> (y: u2[?m, 3]) {
  a: u4 pad(0) = layer(x, w1, g1)
  y = layer<S = 2>(a, w2, g2)
})"));
  const ast::Op &op = parsed.op(0);
  EXPECT_EQ(op.name, "net");
  EXPECT_EQ(op.tensors[op.statements[1].tensor].type.str(), "u4");
  EXPECT_EQ(op.tensors[op.statements[1].tensor].shape[0], (ast::Extent{32, 0}));
  EXPECT_EQ(op.tensors[op.statements[2].tensor].name, "y.acc");
  const ast::Expr &x = *op.statements[2].value->operands[0]->operands[0];
  EXPECT_EQ(x.subscripts[1].affine.terms[0].coefficient, 2);
  EXPECT_TRUE(x.padding.has_value());
  EXPECT_TRUE(op.parameters.empty());
  ASSERT_EQ(parsed.file->generic.size(), 1U);
  EXPECT_EQ(parsed.file->generic[0].openParameter, "C");
  EXPECT_TRUE(parsed.file->generic[0].isCalled);
}

TEST(FrontendCalls, RunTimeSizeTakesAConstantExtent) {
  Parsed parsed = parseClean(withLayer(R"(
op net(x: u8[4, 6], w: s4[5, 6], g: f32[5]) -> (y: u2[4, 5]) {
  y = layer(x, w, g)
})"));
  EXPECT_TRUE(parsed.op().symbols.empty());
  EXPECT_TRUE(parsed.op().statements[0].indices[0].extent.isStatic());
}

TEST(FrontendCalls, ExtentsFlowIntoTheArgument) {
  Parsed parsed = parseClean(R"(op half(x: i32[4]) -> (y: i32[2]) {
  y[i] = x[2*i]
}
op f(x: u4[9]) -> (y: i32[2]) {
  a[i] = sum(r:3) x[2*i + r]
  y = half(a)
})");
  EXPECT_EQ(parsed.op(1).statements[0].indices[0].extent.size, 4);
}

TEST(FrontendCalls, DefinesAndDefaultsFixAGenericOperator) {
  Parsed parsed = parseClean(layer, {{"C", 6}, {"O", 5}, {"A", 8}, {"R", 2}});
  EXPECT_EQ(parsed.tensor("x").type.str(), "u8");
  using Parameters = std::vector<std::pair<std::string, int64_t>>;
  EXPECT_EQ(parsed.op().parameters,
            (Parameters{{"C", 6}, {"O", 5}, {"A", 8}, {"R", 2}, {"S", 1}}));
  Parsed open = parseClean(layer, {{"C", 6}});
  EXPECT_TRUE(open.file->ops.empty());
  ASSERT_EQ(open.file->generic.size(), 1U);
  EXPECT_EQ(open.file->generic[0].openParameter, "O");
  EXPECT_FALSE(open.file->generic[0].isCalled);
}

TEST(FrontendCalls, DefaultsUseParametersBefore) {
  Parsed parsed = parseClean(R"(op f<N, H = N / 2>(x: u4[N]) -> (y: u4[H]) {
  y[i] = x[2*i]
}
op g(x: u4[8]) -> (y: u4[4]) {
  y = f(x)
})");
  EXPECT_EQ(parsed.op().statements[0].indices[0].extent.size, 4);
}

TEST(FrontendCalls, ConstantsArePassed) {
  Parsed parsed = parseClean(R"(const w: s4[2, 3] = "-2"
const z: u8 = "3"
op g<N, O>(x: u8[4, N] pad(zx), v: s4[O, N], zx: u8) -> (y: i32[4, O]) {
  y[n,o] = sum(c) (x[n,c + 1] - zx) * v[o,c]
}
op f(x: u8[4, 3]) -> (y: i32[4, 2], t: i32[4, 2]) {
  y = g(x, w, z)
  t = g(x, w, z)
})");
  const ast::Op &op = parsed.op();
  EXPECT_EQ(op.numInputs(), 1U);
  ASSERT_EQ(op.tensors.size(), 5U);
  EXPECT_EQ(op.tensors[3].role, ast::Role::Constant);
  EXPECT_EQ(op.tensors[3].name, "w");
  const ast::Expr &product = *op.statements[1].value->operands[0];
  EXPECT_EQ(product.operands[1]->tensor, 3U);
  const ast::Expr &x = *product.operands[0]->operands[0];
  EXPECT_EQ(x.padding->kind, ast::Padding::Kind::Value);
  EXPECT_EQ(x.padding->value, 3);
}

TEST(FrontendCalls, OperatorsNamedAsFunctions) {
  Parsed parsed = parseClean(R"(op round(x: f32[4], s: f32) -> (y: s8[4]) {
  y[i] = round(x[i] * s)
}
op max(x: s8) -> (y: s8) { y = x + 1 }
op f(x: f32[4], s: f32, z: s8) -> (y: s8[4], m: s8) {
  a = round(x, s)
  y[i] = max(a[i], 0)
  m = max(z)
})");
  EXPECT_EQ(parsed.op(2).tensors[parsed.op(2).statements[0].tensor].name, "a");
}

TEST(FrontendCalls, NewWordsNameTensors) {
  parseClean(R"(op f(include: u4[4]) -> (y: u4[4]) {
  y[i] = include[i]
})");
}

TEST(FrontendCalls, ComparisonIsNoCall) {
  parseClean(R"(op less(x: u4) -> (y: u4) { y = x }
op f(less: u4, b: u4) -> (y: u4, z: u4) {
  y = less < b
  z = b
})");
}

TEST(FrontendCalls, Recursion) {
  expectDiagnostics(R"(op f(x: u4) -> (y: u4) { y = g(x) }
op g(x: u4) -> (y: u4) { y = f(x) })",
                    R"(2:30: error: operator 'f' calls itself
1:30: note: in this call of 'g'
1:4: note: it is declared here
1:30: error: operator 'g' calls itself
2:30: note: in this call of 'f'
2:4: note: it is declared here)");
}

TEST(FrontendCalls, WrongCounts) {
  expectDiagnostics(R"(op g(x: u4) -> (y: u4) { y = x }
op f(x: u4) -> (y: u4, z: u4) {
  (y, z) = g(x, x)
})",
                    R"(3:12: error: 'g' has 1 input(s), but 2 stand here
1:4: note: it is declared here
3:12: error: 'g' has 1 output(s), but 2 stand here
1:4: note: it is declared here)");
}

TEST(FrontendCalls, Mismatches) {
  expectDiagnostics(
      withLayer(R"(
op types(x: s8[4, 6], w: s5[5, 6], g: f32[5]) -> (y: u2[4, 5]) {
  y = layer(x, w, g)
}
op weights(x: u8[4, 6], w: s5[5, 6], g: f32[5]) -> (y: u2[4, 5]) {
  y = layer(x, w, g)
}
op extents(x: u8[4, 6], w: s4[5, 7], g: f32[5]) -> (y: u2[4, 5]) {
  y = layer(x, w, g)
}
op ranks(x: u8[4], w: s4[5, 6], g: f32[5]) -> (y: u2[4, 5]) {
  y = layer(x, w, g)
}
op results(x: u8[4, 6], w: s4[5, 6], g: f32[5]) -> (y: u2[4, 6]) {
  y = layer(x, w, g)
}
op sizes(x: u8[99, 6], w: s4[5, 6], g: f32[5]) -> (y: u2[99, 5]) {
  y = layer(x, w, g)
}
op dynamic(x: u8[4, ?c <= 6], w: s4[5, 6], g: f32[5]) -> (y: u2[4, 5]) {
  y = layer(x, w, g)
})"),
      R"(8:13: error: 'x' has type s8, but 'x' of 'layer' has u{...}
2:3: note: 'x' is declared here
11:16: error: 'w' has type s5, but 'w' of 'layer' has s4
2:32: note: 'w' is declared here
14:16: error: 'w' has extent 7 in dimension 1, but 'w' of 'layer' has 6 there
2:32: note: 'w' is declared here
17:13: error: 'x' has 1 dimension(s), but 'x' of 'layer' has 2
2:3: note: 'x' is declared here
20:3: error: 'y' has extent 6 in dimension 1, but 'y' of 'layer' has 5 there
2:60: note: 'y' is declared here
23:13: error: 'x' has up to 99 in dimension 0, but 'x' of 'layer' has at most 64 there
2:3: note: 'x' is declared here
26:16: error: 'w' has extent 6 in dimension 1, but 'w' of 'layer' has ?c there
2:32: note: 'w' is declared here)");
}

TEST(FrontendCalls, OpenAndWrongParameters) {
  expectDiagnostics(
      withLayer(R"(
op f(x: u8[4, 6], w: s4[5, 6], g: f32[5]) -> (y: u2[4, 5]) {
  a = layer(x, w, g)
  b = layer<Q = 1, S = 1, S = 2>(x, w, g)
  c = layer<R = 3 - 3>(x, w, g)
  y[i,j] = a[i,j]
})"),
      R"(8:7: error: parameter 'R' of 'layer' does not follow from what is passed; write 'layer<R = VALUE>(...)'
1:19: note: the parameter is declared here
9:13: error: 'layer' has no parameter 'Q'
1:4: note: it is declared here
9:27: error: parameter 'S' is given twice
2:63: error: type 'u' has widths from 1 to 16, found 0
10:7: note: in this call of 'layer')");
}

TEST(FrontendCalls, PaddingConflict) {
  expectDiagnostics(
      R"(op g(x: u4[4] pad(0)) -> (y: u4[4]) { y[i] = x[i + 1] }
op f(x: u4[4] pad(1)) -> (y: u4[4]) {
  y = g(x)
})",
      R"(3:9: error: 'x' has another padding than 'x' of 'g'; leave one of them out
2:6: note: 'x' is declared here
1:15: note: the other padding is here)");
}

TEST(FrontendCalls, PromisedRangesAndTypesOfSums) {
  expectDiagnostics(
      R"(op g(x: i32[4] in [0, 99]) -> (y: i32[4]) { y[i] = x[i] }
op f(a: u4[4], b: u8[4], c: f32[4]) -> (y: i32[4]) {
  p[i] = a[i] + 1
  q[i] = b[i] + 1
  r[i] = c[i]
  s[i] = b[i] * 2147483647 * 3
  gp = g(p)
  gq = g(q)
  gr = g(r)
  gs = g(s)
  y[i] = gp[i] + gq[i] + gr[i] + gs[i]
})",
      R"(8:10: error: 'q' has values in [1, 256], but 'x' of 'g' has [0, 99]
1:6: note: 'x' is declared here
9:10: error: 'r' has type f32, but 'x' of 'g' has i32
1:6: note: 'x' is declared here
10:10: error: 's' has type i64, but 'x' of 'g' has i32
1:6: note: 'x' is declared here)");
}

TEST(FrontendCalls, FaultsInTheCalleeNameTheCall) {
  expectDiagnostics(
      R"(op g<N>(x: u4[N]) -> (y: u4[N]) { y[i] = x[i + 1] + q[i] }
op h(x: u4[4]) -> (y: u4[4]) { y = g(x) }
op f(x: u4[4]) -> (y: u4[4]) {
  a = h(x)
  y = g(a)
})",
      R"(1:53: error: unknown name 'q'
2:36: note: in this call of 'g')");
  expectDiagnostics(
      R"(op g<N>(x: u4[N]) -> (y: u4[N]) { y[i] = x[i + 1] }
op h<N>(x: u4[N]) -> (y: u4[N]) { y = g(x) }
op f(x: u4[4]) -> (y: u4[4]) {
  y = h(x)
})",
      R"(1:44: error: subscript ranges over [1, 4] but dimension 0 of 'x' has extent 4
2:39: note: in this call of 'g'
4:7: note: in this call of 'h'
1:9: note: 'x' is declared without padding; add 'pad(VALUE)' to read outside it)");
}

TEST(FrontendCalls, WrongPlacesOfCalls) {
  expectDiagnostics(
      R"(op g(x: u4[4]) -> (y: u4[4]) { y[i] = x[i] }
op f(x: u4[4]) -> (y: u4[4]) {
  y[i] = g(x)
})",
      R"(3:10: error: operator 'g' is called in a statement of its own, 'NAME = g(...)')");
  expectDiagnostics(R"(op g(x: u4[4]) -> (y: u4[4]) { y[i] = x[i] }
op f(x: u4[4]) -> (y: u4[4]) {
  a = gg(x)
  b = g(x) + 1
  c = g(3)
  (d, e) = x
  y = x
})",
                    R"(3:7: error: no operator or function 'gg'
4:12: error: expected the next statement, found '+'
5:9: error: expected the name of a tensor as argument, found '3'
6:12: error: no operator or function 'x')");
  expectDiagnostics(R"(op g<N>(x: u4[N]) -> (y: u4[N]) { y[i] = x[i] }
op f(x: u4[4]) -> (y: u4[4]) {
  y = g<N>(x)
})",
                    R"(3:9: error: expected 'N = VALUE' at a call)");
}

TEST(FrontendCalls, NamesAtCalls) {
  expectDiagnostics(R"(param P = 3
op g(x: u4[4]) -> (y: u4[4]) { y[i] = x[i] }
op f(x: u4[4]) -> (y: u4[4]) {
  a = g(q)
  b = g(P)
  c = g(d)
  d = g(d)
  y = g(x)
})",
                    R"(4:9: error: unknown name 'q'
5:9: error: 'P' is a parameter; an argument is a tensor
6:9: error: 'd' is read before it is assigned
7:3: note: assigned here
7:9: error: 'd' is read in its own definition
7:3: note: assigned here)");
}

TEST(FrontendCalls, UnusedResultsAndFormals) {
  expectDiagnostics(R"(op g(x: u4[4], z: u4) -> (y: u4[4], t: u4) {
  y[i] = x[i]
  t = 3
}
op f(x: u4[4], z: u4) -> (y: u4[4]) {
  (a, t) = g(x, z)
  (y, u) = g(a, z)
})",
                    R"(1:16: warning: input 'z' is never read
6:7: warning: intermediate 't' is never read
7:7: warning: intermediate 'u' is never read)");
}

TEST(FrontendCalls, TooManyCalls) {
  std::string text = "op f0(x: u4) -> (y: u4) { y = x }\n";
  for (int i = 1; i <= 20; ++i) {
    const std::string callee = "f" + std::to_string(i - 1);
    text.append("op f").append(std::to_string(i));
    text.append("(x: u4) -> (y: u4) {\n a = ").append(callee);
    text.append("(x)\n y = ").append(callee).append("(a)\n}\n");
  }
  const Parsed parsed = parse(text);
  ASSERT_FALSE(parsed.messages.empty());
  EXPECT_EQ(parsed.messages[0],
            "54:4: error: operator 'f14' makes more than 16384 calls");
  for (const std::string &message : llvm::drop_begin(parsed.messages)) {
    EXPECT_NE(message.find("note: in this call of"), std::string::npos);
  }
}

TEST(FrontendCalls, CallsNestTooDeep) {
  std::string text = "op f0(x: u4) -> (y: u4) { y = x }\n";
  for (int i = 1; i <= 65; ++i) {
    text += "op f" + std::to_string(i) + "(x: u4) -> (y: u4) { y = f" +
            std::to_string(i - 1) + "(x) }\n";
  }
  const Parsed parsed = parse(text);
  ASSERT_FALSE(parsed.messages.empty());
  EXPECT_EQ(parsed.messages[0], "2:31: error: calls nest more than 64 deep");
}

} // namespace
