// The checked tree of correct texts: what the later stages rely on.
#include "tests/unit/FrontendTesting.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include <cmath>

using namespace lpgen;
using ast::Expr;
using ast::IntRange;

namespace {

/// Writes an expression fully parenthesised, names resolved through `op`.
std::string show(const Expr &expr, const ast::Op &op) {
  static const char *const binaryNames[] = {
      "+", "-", "*",   "/",   "floordiv", "rounddiv", "%", ">>", "<<", "&",
      "|", "^", "min", "max", "<",        "<=",       ">", ">=", "==", "!="};
  static const char *const unaryNames[] = {"-",
                                           "abs",
                                           "f32",
                                           "round",
                                           "floor",
                                           "ceil",
                                           "trunc",
                                           "round_half_away",
                                           "round_half_up",
                                           "wrap",
                                           "random"};
  static const char *const reduceNames[] = {"sum", "max", "min", "prod"};
  auto operand = [&](unsigned i) { return show(*expr.operands[i], op); };
  switch (expr.kind) {
  case Expr::Kind::Int:
    return std::to_string(expr.intValue);
  case Expr::Kind::Float: {
    std::string text;
    llvm::raw_string_ostream(text) << llvm::format("%gf", expr.floatValue);
    return text;
  }
  case Expr::Kind::Size:
    return "?";
  case Expr::Kind::Index:
    return "#" + std::to_string(expr.indices[0]);
  case Expr::Kind::Read:
    return op.tensors[expr.tensor].name;
  case Expr::Kind::Unary:
    return std::string(unaryNames[static_cast<int>(expr.unaryOp)]) + "(" +
           operand(0) + ")";
  case Expr::Kind::Binary:
    return "(" + operand(0) + " " +
           binaryNames[static_cast<int>(expr.binaryOp)] + " " + operand(1) +
           ")";
  case Expr::Kind::Reduce:
    return std::string(reduceNames[static_cast<int>(expr.reduceOp)]) +
           std::to_string(expr.indices.size()) + "{" + operand(0) + "}";
  case Expr::Kind::Rescale:
    return "rescale(" + operand(0) + ", " + operand(1) + ", " + operand(2) +
           ")";
  case Expr::Kind::Select:
    return "select(" + operand(0) + ", " + operand(1) + ", " + operand(2) + ")";
  }
  return "?";
}

/// The value of `y[i] = text` over a fixed set of operands.
std::string showValue(const std::string &text, const std::string &type) {
  Parsed parsed =
      parse("param N = 3\n"
            "op f(a: s4[4], b: s4[4], c: s4[4], m: s4[4, 4], p: f32[4], "
            "q: f32[4], s: i32, t: i32)\n -> (y: " +
            type + "[4]) {\n  y[i] = " + text + "\n}\n");
  if (!parsed.file) {
    return parsed.messages.empty() ? "no tree" : parsed.messages.front();
  }
  return show(*parsed.op().statements[0].value, parsed.op());
}

std::string integer(const std::string &text) { return showValue(text, "i64"); }
std::string floating(const std::string &text) { return showValue(text, "f32"); }

const Expr &read(const Expr &expr, unsigned number = 0) {
  const Expr *current = &expr;
  while (current->kind != Expr::Kind::Read) {
    size_t last = current->operands.size() - 1;
    current = current->operands[std::min<size_t>(number, last)].get();
  }
  return *current;
}

} // namespace

TEST(Frontend, Convolution) {
  Parsed parsed = parseClean(R"(
param C = 128
op conv3x3(x: u2[1, 28, 28, C] pad(0), w: b1[128, 3, 3, C],
           scale: f32[128], bias: f32[128]) -> (y: u2[1, 28, 28, 128]) {
  acc[n,h,v,o] = sum(r, s, c) x[n, h + r - 1, v + s - 1, c] * w[o, r, s, c]
  y[n,h,v,o] = round(acc[n,h,v,o] * scale[o] + bias[o])
})");
  const ast::Op &op = parsed.op();
  EXPECT_EQ(op.name, "conv3x3");
  EXPECT_EQ(op.numInputs(), 4U);
  ASSERT_EQ(op.tensors.size(), 6U);
  EXPECT_EQ(op.tensors[4].role, ast::Role::Output);
  EXPECT_EQ(op.tensors[5].role, ast::Role::Intermediate);
  EXPECT_EQ(parsed.tensor("acc").type.str(), "i32");
  // 9 * 128 terms of at most 3 * 1.
  EXPECT_EQ(parsed.tensor("acc").range, (IntRange{-3456, 3456}));
  ASSERT_EQ(parsed.tensor("acc").shape.size(), 4U);
  EXPECT_EQ(parsed.tensor("acc").shape[1].size, 28);

  const ast::Statement &statement = op.statements[0];
  ASSERT_EQ(statement.indices.size(), 7U);
  EXPECT_FALSE(statement.indices[3].isReduction);
  EXPECT_TRUE(statement.indices[4].isReduction);
  EXPECT_EQ(statement.indices[4].name, "r");
  EXPECT_EQ(statement.indices[4].extent.size, 3);
  EXPECT_EQ(statement.indices[6].extent.size, 128);

  const Expr &x = read(*statement.value);
  EXPECT_TRUE(x.padding.has_value());
  const ast::AffineForm &row = x.subscripts[1].affine;
  ASSERT_EQ(row.terms.size(), 2U);
  EXPECT_EQ(row.terms[0].index, 1U);
  EXPECT_EQ(row.terms[1].index, 4U);
  EXPECT_EQ(row.constant, -1);
  EXPECT_EQ(row.divisor, 1);
  EXPECT_TRUE(x.subscripts[0].affine.isPlainIndex());

  EXPECT_EQ(show(*op.statements[1].value, op),
            "round(((f32(acc) * scale) + bias))");
  using Parameters = std::vector<std::pair<std::string, int64_t>>;
  EXPECT_EQ(op.parameters, (Parameters{{"C", 128}}));
}

TEST(Frontend, Precedence) {
  EXPECT_EQ(integer("a[i] + b[i] * c[i] - s"), "((a + (b * c)) - s)");
  EXPECT_EQ(integer("a[i] - b[i] - c[i]"), "((a - b) - c)");
  EXPECT_EQ(integer("-a[i] * b[i]"), "(-(a) * b)");
  EXPECT_EQ(integer("a[i] + b[i] >> 2"), "((a + b) >> 2)");
  EXPECT_EQ(integer("a[i] >> 1 >= b[i] + c[i]"), "((a >> 1) >= (b + c))");
  EXPECT_EQ(integer("(a[i] < b[i]) == (c[i] != s)"), "((a < b) == (c != s))");
  EXPECT_EQ(integer("a[i] | b[i] ^ c[i] & s << N - 1 < 9"),
            "((a | (b ^ (c & (s << 2)))) < 9)");
  EXPECT_EQ(integer("-a[i] % 3 * i << 2 >> N"),
            "((((-(a) % 3) * #0) << 2) >> 3)");
}

TEST(Frontend, ReductionTakesOneProduct) {
  EXPECT_EQ(integer("sum(k) m[i,k] * a[k] + b[i]"), "(sum1{(m * a)} + b)");
  EXPECT_EQ(integer("b[i] * sum(k) m[i,k] * a[k] - c[i]"),
            "((b * sum1{(m * a)}) - c)");
  EXPECT_EQ(integer("sum(k) (m[i,k] - s)"), "sum1{(m - s)}");
  EXPECT_EQ(integer("sum(k) -m[i,k]"), "sum1{-(m)}");
  EXPECT_EQ(integer("sum(k) (m[i,k] >= s)"), "sum1{(m >= s)}");
  EXPECT_EQ(integer("(sum(k) a[k]) * (sum(k) b[k])"), "(sum1{a} * sum1{b})");
  EXPECT_EQ(integer("sum(j) b[j] * sum(k) m[j,k]"), "sum1{(b * sum1{m})}");
  EXPECT_EQ(floating("sum(k) p[k] / 2"), "sum1{(p / 2f)}");
}

TEST(Frontend, MaximumIsReductionOrCall) {
  EXPECT_EQ(integer("max(j, k) m[j,k]"), "max2{m}");
  EXPECT_EQ(integer("min(k) m[i,k] * 2"), "min1{(m * 2)}");
  EXPECT_EQ(integer("max(k:4, j:4) (m[j,k] - 1)"), "max2{(m - 1)}");
  EXPECT_EQ(integer("max(k)\n -m[i,k]"), "max1{-(m)}");
  EXPECT_EQ(integer("max(s, t)"), "(s max t)");
  EXPECT_EQ(integer("max(s, t) - 1"), "((s max t) - 1)");
  EXPECT_EQ(integer("min(s, t) * a[i]"), "((s min t) * a)");
  EXPECT_EQ(integer("max(a[i], t)"), "(a max t)");
  EXPECT_EQ(integer("max(s, N)"), "(s max 3)");
}

TEST(Frontend, CallAtTheEndOfALineIsNoReduction) {
  Parsed parsed = parseClean(R"(
op f(s: i32, t: i32) -> (y: i32, z: i32) {
  y = max(s, t)
  z = min(s, t)
})");
  EXPECT_EQ(show(*parsed.op().statements[0].value, parsed.op()), "(s max t)");
}

TEST(Frontend, ConversionsAreInserted) {
  EXPECT_EQ(floating("a[i]"), "f32(a)");
  EXPECT_EQ(floating("f32(a[i]) + f32(p[i])"), "(f32(a) + p)");
  EXPECT_EQ(floating("a[i] * b[i] + p[i]"), "(f32((a * b)) + p)");
  EXPECT_EQ(floating("a[i] / p[i]"), "(f32(a) / p)");
  EXPECT_EQ(floating("relu(p[i])"), "(p max 0f)");
  EXPECT_EQ(floating("clamp(p[i], 0, 1.5)"), "((p max 0f) min 1.5f)");
  EXPECT_EQ(integer("p[i] < a[i]"), "(p < f32(a))");
  EXPECT_EQ(floating("-1.5 * p[i]"), "(-1.5f * p)");
  EXPECT_EQ(floating("N"), "3f");
  EXPECT_EQ(floating("random(s) + p[i]"), "(random(s) + p)");
}

TEST(Frontend, ConstantsAreFolded) {
  EXPECT_EQ(integer("a[i] + (N * 2 - 10)"), "(a + -4)");
  EXPECT_EQ(integer("floordiv(-7, 2) + a[i]"), "(-4 + a)");
  EXPECT_EQ(integer("abs(-7) + a[i]"), "(7 + a)");
  EXPECT_EQ(integer("-7 % N + (-6 & 12 | 1 << 8 ^ 3) + a[i]"), "(269 + a)");
  EXPECT_EQ(integer("0x7fffffffffffffff"), "9223372036854775807");
}

TEST(Frontend, FunctionsExpand) {
  EXPECT_EQ(integer("relu(a[i])"), "(a max 0)");
  EXPECT_EQ(integer("clamp(a[i], 1, 6)"), "((a max 1) min 6)");
  EXPECT_EQ(integer("rounddiv(a[i], N)"), "(a rounddiv 3)");
  EXPECT_EQ(integer("rescale(a[i], 5, -2)"), "rescale(a, 5, -2)");
  EXPECT_EQ(integer("select(a[i] < 3, b[i], 5)"), "select((a < 3), b, 5)");
  EXPECT_EQ(floating("select(s, p[i], 5)"), "select(s, p, 5f)");
  EXPECT_EQ(integer("round_half_away(p[i]) - round_half_up(q[i])"),
            "(round_half_away(p) - round_half_up(q))");
  EXPECT_EQ(integer("wrap(s * t) + trunc(p[i])"), "(wrap((s * t)) + trunc(p))");
}

TEST(Frontend, Ranges) {
  auto range = [](const std::string &text) {
    Parsed parsed = parse("op f(a: u4[4], b: s4[4], c: i32, d: b2[4] pad(0),\n"
                          " e: u4[4] in [1, 5], g: t2[4])\n"
                          " -> (y: i64[4]) {\n  y[i] = " +
                          text + "\n}\n");
    EXPECT_TRUE(parsed.file.has_value()) << text;
    IntRange r = parsed.op().statements[0].value->range;
    return std::pair(r.lo, r.hi);
  };
  using P = std::pair<int64_t, int64_t>;
  EXPECT_EQ(range("a[i] * b[i]"), P(-120, 105));
  EXPECT_EQ(range("a[i] - b[i]"), P(-7, 23));
  EXPECT_EQ(range("d[i]"), P(-3, 3));
  EXPECT_EQ(range("g[i] * d[i + 1]"), P(-3, 3));
  EXPECT_EQ(range("e[i]"), P(1, 5));
  EXPECT_EQ(range("floordiv(a[i], e[i])"), P(0, 15));
  EXPECT_EQ(range("sum(k) a[k] * b[k]"), P(-480, 420));
  EXPECT_EQ(range("max(k) a[k]"), P(0, 15));
  EXPECT_EQ(range("a[i] < b[i]"), P(0, 1));
  EXPECT_EQ(range("wrap(c * c)"), P(INT32_MIN, INT32_MAX));
  EXPECT_EQ(range("wrap(a[i])"), P(0, 15));
  EXPECT_EQ(range("select(a[i], a[i] + 20, -1)"), P(-1, 35));
  EXPECT_EQ(range("select(a[i] + 1, a[i], -1)"), P(0, 15));
  EXPECT_EQ(range("select(0, a[i], -1)"), P(-1, -1));
  EXPECT_EQ(range("round(f32(a[i]))"), P(INT32_MIN, INT32_MAX));
  EXPECT_EQ(range("clamp(round(f32(a[i])), -2, 9)"), P(-2, 9));
}

TEST(Frontend, PaddingWidensTheRangeOfReadsOutside) {
  Parsed parsed = parseClean(R"(
op f(x: u4[4] in [5, 9] pad(0), q: u4[4] in [5, 9] pad(z), z: u4 in [2, 11])
  -> (y: u4[4], v: u4[4], w: u4[4]) {
  y[i] = x[i]
  v[i] = x[i + 1]
  w[i] = q[i - 1]
})");
  EXPECT_EQ(parsed.tensor("y").range, (IntRange{5, 9}));
  EXPECT_EQ(parsed.tensor("v").range, (IntRange{0, 9}));
  EXPECT_EQ(parsed.tensor("w").range, (IntRange{2, 11}));
  EXPECT_EQ(parsed.padding("q").kind, ast::Padding::Kind::Scalar);
  EXPECT_EQ(parsed.padding("q").tensor, 2U);
}

TEST(Frontend, PaddingsByPlace) {
  Parsed parsed = parseClean(R"(
op f(x: u4[4, 2] in [5, 9] pad(z), e: s4[4] pad(edge), r: s4[4] pad(reflect),
     z: u4[2] in [2, 11], f: f32[4] pad(p), p: f32)
  -> (y: u4[6, 2], v: s4[6], w: s4[4], g: f32[4]) {
  y[i,j] = x[i - 1, j]
  v[i] = e[i - 1] + r[i - 1]
  w[i] = e[i]
  g[i] = f[i - 1]
})");
  EXPECT_EQ(parsed.tensor("y").range, (IntRange{2, 11}));
  EXPECT_EQ(parsed.padding("x").kind, ast::Padding::Kind::Channel);
  EXPECT_EQ(parsed.padding("f").kind, ast::Padding::Kind::Scalar);
  const Expr &sum = *parsed.op().statements[1].value;
  for (const ast::ExprPtr &read : sum.operands) {
    EXPECT_FALSE(read->padding);
    ASSERT_TRUE(read->subscripts[0].computed);
    EXPECT_EQ(read->subscripts[0].computed->range, (IntRange{0, 3}));
  }
  EXPECT_FALSE(parsed.op().statements[2].value->subscripts[0].computed);
}

TEST(Frontend, PaddingByLowest) {
  Parsed parsed = parseClean(R"(
op f(a: s4[4] pad(lowest), b: b2[4] pad(lowest), c: f32[4] pad(lowest),
     d: f32[4] pad(-1.5), e: f32[4] pad(2), g: s4[4] pad(-3))
  -> (y: f32[4]) {
  y[i] = a[i+1] + b[i+1] + c[i+1] + d[i+1] + e[i+1] + g[i+1]
})");
  EXPECT_EQ(parsed.padding("a").value, -8);
  EXPECT_EQ(parsed.padding("b").value, -3);
  EXPECT_EQ(parsed.padding("c").floatValue, -INFINITY);
  EXPECT_EQ(parsed.padding("d").floatValue, -1.5F);
  EXPECT_EQ(parsed.padding("e").floatValue, 2.0F);
  EXPECT_EQ(parsed.padding("g").value, -3);
}

TEST(Frontend, IntermediateTypes) {
  Parsed parsed = parseClean(R"(
op f(x: s16[1024], w: s16[1024], p: f32[1024]) -> (y: f32) {
  narrow = sum(k:1000) x[k + 1] * 64
  wide = sum(k) x[k] * w[k]
  scaled = sum(k) p[k] * x[k]
  y = narrow + f32(wide) + scaled
})");
  EXPECT_EQ(parsed.tensor("narrow").type.str(), "i32");
  EXPECT_EQ(parsed.tensor("wide").type.str(), "i64");
  EXPECT_EQ(parsed.tensor("wide").range,
            (IntRange{-1099478073344, 1099511627776}));
  EXPECT_EQ(parsed.tensor("scaled").type.str(), "f32");
}

TEST(Frontend, StoresToNarrowTypes) {
  Parsed parsed = parseClean(R"(
op f(x: s8[4]) -> (a: u2[4], b: b2[4], c: t2[4], d: b1[4]) {
  a[i] = x[i]
  b[i] = x[i]
  c[i] = x[i] * 0
  d[i] = 2 * (x[i] >= 0) - 1
})");
  EXPECT_EQ(parsed.tensor("a").range, (IntRange{0, 3}));
  EXPECT_EQ(parsed.tensor("b").range, (IntRange{-3, 3}));
  EXPECT_EQ(parsed.tensor("c").range, (IntRange{0, 0}));
  EXPECT_EQ(parsed.tensor("d").range, (IntRange{-1, 1}));
}

TEST(Frontend, TypedIntermediatesStoreAsOutputsDo) {
  Parsed parsed =
      parseClean(R"(op f(x: s8[4, 6], z: s8, n: f32) -> (y: i32[4, 6]) {
  a[i,j]: u4 = x[i,j]
  b[i,j]: s8 pad(z) = a[i,j]
  c[i]: i32[3] = x[i + 0,0]
  d: f32 = z
  e[i,j]: u4[4, 6] pad(2) = round(d * n)
  y[i,j] = b[i + 1,j] + sum(k) c[k] + e[i,j - 1] + a[i,j]
})");
  EXPECT_EQ(parsed.tensor("a").role, ast::Role::Intermediate);
  EXPECT_EQ(parsed.tensor("a").type.str(), "u4");
  EXPECT_EQ(parsed.tensor("a").range, (ast::IntRange{0, 15}));
  EXPECT_EQ(parsed.tensor("a").shape[1].size, 6);
  EXPECT_EQ(parsed.tensor("b").type.str(), "s8");
  EXPECT_EQ(parsed.tensor("b").range, (ast::IntRange{0, 15}));
  EXPECT_EQ(parsed.padding("b").kind, ast::Padding::Kind::Scalar);
  EXPECT_EQ(parsed.padding("b").tensor, 1U);
  EXPECT_EQ(parsed.tensor("c").shape[0].size, 3);
  EXPECT_TRUE(parsed.tensor("d").type.isFloat());
  EXPECT_EQ(parsed.padding("e").value, 2);
}

TEST(Frontend, ExtentsFlowBackwardsThroughIntermediates) {
  Parsed parsed = parseClean(R"(
op f(x: u2[30], w: s2[5]) -> (y: u2[14]) {
  a[h] = sum(r) x[2*h + r - 0 - r] * w[r]
  b[i] = a[i] + 1
  y[j] = b[j]
})");
  EXPECT_EQ(parsed.tensor("a").shape[0].size, 14);
  EXPECT_EQ(parsed.tensor("b").shape[0].size, 14);
  EXPECT_EQ(parsed.op().statements[0].indices[0].extent.size, 14);
}

TEST(Frontend, SubscriptOnlyStandsAloneWhenWrittenAlone) {
  Parsed parsed = parseClean(R"(
op f(x: u2[30]) -> (y: u2[14]) {
  y[h] = x[h + 0]
})");
  const Expr &x = read(*parsed.op().statements[0].value);
  EXPECT_FALSE(x.padding.has_value());
  EXPECT_TRUE(x.subscripts[0].affine.isPlainIndex());
}

TEST(Frontend, ExactDivision) {
  Parsed parsed = parseClean(R"(
op f(x: u2[4] pad(0)) -> (y: u2[8], z: u2[4], q: u2[4]) {
  y[h] = sum(r:3) x[(h + 1 - r) / 2]
  z[h] = x[(4*h + 8 - 8) / 4]
  q[h] = x[(2*h + 4) / 6]
})");
  const Expr &y = read(*parsed.op().statements[0].value);
  EXPECT_TRUE(y.padding.has_value());
  EXPECT_EQ(y.subscripts[0].affine.divisor, 2);
  EXPECT_EQ(y.subscripts[0].affine.constant, 1);
  EXPECT_EQ(y.subscripts[0].affine.terms[1].coefficient, -1);
  const Expr &z = read(*parsed.op().statements[1].value);
  EXPECT_FALSE(z.padding.has_value());
  EXPECT_TRUE(z.subscripts[0].affine.isPlainIndex());
  const Expr &q = read(*parsed.op().statements[2].value);
  EXPECT_TRUE(q.padding.has_value());
  EXPECT_EQ(q.subscripts[0].affine.divisor, 3);
  EXPECT_EQ(q.subscripts[0].affine.constant, 2);
}

TEST(Frontend, RunTimeSizes) {
  Parsed parsed = parseClean(R"(
param K = 8
op f(x: u4[?m <= 16 * K, K], w: s4[?n <= 8, K], u: u4[?m])
  -> (y: i32[?m, ?n], z: i64) {
  y[i,j] = sum(k) x[i,k] * w[j,k]
  z = sum(i) u[i]
})");
  const ast::Op &op = parsed.op();
  ASSERT_EQ(op.symbols.size(), 2U);
  EXPECT_EQ(op.symbols[0].name, "m");
  EXPECT_EQ(op.symbols[0].bound, 128);
  EXPECT_EQ(op.tensors[0].shape[0], (ast::Extent{128, 0}));
  EXPECT_EQ(op.tensors[2].shape[0], (ast::Extent{128, 0}));
  EXPECT_EQ(op.statements[0].indices[1].extent, (ast::Extent{8, 1}));
  EXPECT_FALSE(read(*op.statements[0].value).padding.has_value());
  EXPECT_EQ(op.statements[1].value->range, (IntRange{0, 1920}));
}

TEST(Frontend, RunTimeSizesCanBeZero) {
  Parsed parsed = parseClean(R"(
op f(x: u4[?m <= 8] in [1, 15] pad(2)) -> (y: i32, z: i32) {
  y = sum(i) x[i]
  z = x[0]
})");
  EXPECT_EQ(parsed.op().statements[0].value->range, (IntRange{0, 120}));
  EXPECT_TRUE(parsed.op().statements[1].value->padding.has_value());
}

TEST(Frontend, LookUp) {
  Parsed parsed = parseClean(R"(
op f(x: s4[4], t: s8[16, 4]) -> (y: s8[4]) {
  y[i] = t[x[i] + 8, i]
})");
  const Expr &t = *parsed.op().statements[0].value;
  ASSERT_TRUE(t.subscripts[0].computed);
  EXPECT_EQ(t.subscripts[0].computed->range, (IntRange{0, 15}));
  EXPECT_FALSE(t.subscripts[1].computed);
  EXPECT_FALSE(t.padding.has_value());
}

TEST(Frontend, Parameters) {
  const char *text = R"(
param A = 2
param M = A * 4
param UNUSED = 1
op f(x: u{A}[M]) -> (y: u{A + 1}[M]) {
  y[i] = x[i] * A
}
op g(x: u2[4]) -> (y: u2[4]) {
  y[i] = x[i]
})";
  Parsed parsed = parseClean(text);
  using Parameters = std::vector<std::pair<std::string, int64_t>>;
  EXPECT_EQ(parsed.op(0).parameters, (Parameters{{"A", 2}, {"M", 8}}));
  EXPECT_TRUE(parsed.op(1).parameters.empty());
  EXPECT_EQ(parsed.tensor("y").type.str(), "u3");

  Parsed defined = parseClean(text, {{"A", 3}});
  EXPECT_EQ(defined.op(0).parameters, (Parameters{{"A", 3}, {"M", 12}}));
  EXPECT_EQ(defined.tensor("x").type.str(), "u3");
  EXPECT_EQ(defined.tensor("x").shape[0].size, 12);

  Parsed replaced = parseClean(text, {{"M", 5}});
  EXPECT_EQ(replaced.tensor("x").shape[0].size, 5);
}

TEST(Frontend, SampleOperatorsAreClean) {
  unsigned files = 0;
  for (const char *folder : {"/examples", "/tests/operators"}) {
    std::error_code error;
    std::string path = std::string(LPGEN_SOURCE_DIR) + folder;
    for (llvm::sys::fs::directory_iterator it(path, error), end;
         it != end && !error; it.increment(error)) {
      if (llvm::sys::path::extension(it->path()) != ".lp") {
        continue;
      }
      SCOPED_TRACE(it->path());
      auto buffer = llvm::MemoryBuffer::getFile(it->path());
      ASSERT_TRUE(bool(buffer));
      parseClean((*buffer)->getBuffer());
      ++files;
    }
    EXPECT_FALSE(error) << path << ": " << error.message();
  }
  EXPECT_GE(files, 20U);
}

TEST(Frontend, ExamplesOfTheReferencePageAreClean) {
  auto buffer = llvm::MemoryBuffer::getFile(std::string(LPGEN_SOURCE_DIR) +
                                            "/docs/reference/language.md");
  ASSERT_TRUE(bool(buffer));
  llvm::StringRef rest = (*buffer)->getBuffer();
  unsigned examples = 0;
  while (rest.contains("```lp\n")) {
    rest = rest.split("```lp\n").second;
    auto [example, after] = rest.split("```");
    SCOPED_TRACE(example.str());
    rest = after;
    if (!example.contains("\nconst ")) { // Those have files beside them.
      parseClean(example);
      ++examples;
    }
  }
  EXPECT_GE(examples, 6U);
}
