// Constants of a file: their declarations, and what an operator sees of them.
#include "tests/unit/FrontendTesting.h"

using namespace lpgen;

namespace {

TEST(FrontendConstants, areTensorsWithValuesAndTheRangeOfThem) {
  const Parsed parsed = parseClean(R"(
param N = 3
const w: s8[N, N - 1] = "4"
const scale: f32 = "7"
const unread: u4[2] = "1"
op f(x: u8[N]) -> (y: f32[N - 1]) {
  acc[j] = sum(i) x[i] * w[i,j]
  y[j] = acc[j] * scale
}
)");
  const ast::Op &op = parsed.op();
  ASSERT_EQ(op.tensors.size(), 5U);
  EXPECT_EQ(op.numInputs(), 1U);
  EXPECT_EQ(op.tensors[2].role, ast::Role::Intermediate);
  const ast::Tensor &w = op.tensors[3];
  EXPECT_EQ(w.name, "w");
  EXPECT_EQ(w.role, ast::Role::Constant);
  EXPECT_EQ(w.type.str(), "s8");
  EXPECT_EQ(w.shape.size(), 2U);
  EXPECT_EQ(w.range, (ast::IntRange{4, 9}));
  EXPECT_EQ(w.values->shape(), (std::vector<int64_t>{3, 2}));
  EXPECT_EQ(op.tensors[4].name, "scale");
  // Proofs rest on the values: those of the last output are the greatest.
  EXPECT_EQ(parsed.tensor("acc").range,
            (ast::IntRange{0, int64_t{255} * (5 + 7 + 9)}));
  ASSERT_EQ(op.parameters.size(), 1U);
  EXPECT_EQ(op.parameters[0].first, "N");
}

/// The range of the only output of an operator with constant w.
ast::IntRange rangeOfSum(const std::string &w, const std::string &x,
                         const std::string &sum, const std::string &y) {
  return parseClean("const w: s16" + w + "\nop f(x: " + x + ") -> (y: i64" + y +
                    ") {\n  " + sum + "\n}")
      .tensor("y")
      .range;
}

TEST(FrontendConstants, sumsAreBoundedByTheValues) {
  // w = -2, -1, 0, 1: each with the worst x.
  EXPECT_EQ(rangeOfSum("[4] = \"-2\"", "s8[4]", "y = sum(k) x[k] * w[k]", ""),
            (ast::IntRange{-2 * 127 - 127 - 128, 2 * 128 + 128 + 127}));
  // An offset of x, and w on the left.
  EXPECT_EQ(
      rangeOfSum("[4] = \"-2\"", "u8[4]", "y = sum(k) w[k] * (x[k] - 1)", ""),
      (ast::IntRange{-3 * 254 - 1, 254 + 3}));
  // One element of w for several terms.
  EXPECT_EQ(
      rangeOfSum("[2] = \"3\"", "u8[2, 5]", "y = sum(k, j) x[k,j] * w[k]", ""),
      (ast::IntRange{0, int64_t{255} * (3 + 4) * 5}));
  // The worst of two outputs, from either dimension.
  EXPECT_EQ(rangeOfSum("[2, 2] = \"3\"", "u8[2]", "y[j] = sum(k) x[k] * w[k,j]",
                       "[2]"),
            (ast::IntRange{0, int64_t{255} * (4 + 6)}));
  EXPECT_EQ(rangeOfSum("[2, 2] = \"3\"", "u8[2]", "y[j] = sum(k) x[k] * w[j,k]",
                       "[2]"),
            (ast::IntRange{0, int64_t{255} * (5 + 6)}));
  // The partial sums of x >= 100 are no less than 0.
  EXPECT_EQ(rangeOfSum("[2] = \"3\"", "u8[2] in [100, 255]",
                       "y = sum(k) x[k] * w[k]", ""),
            (ast::IntRange{0, int64_t{255} * 7}));
  // The diagonal, and a part of w: by the range of all values.
  EXPECT_EQ(
      rangeOfSum("[2, 2] = \"3\"", "u8[2]", "y = sum(k) x[k] * w[k,k]", ""),
      (ast::IntRange{0, int64_t{255} * 6 * 2}));
  EXPECT_EQ(
      rangeOfSum("[4] = \"3\"", "u8[2]", "y = sum(k) x[k] * w[k + 1]", ""),
      (ast::IntRange{0, int64_t{255} * 6 * 2}));
}

TEST(FrontendConstants, areSeenByEveryOperator) {
  const Parsed parsed = parseClean(R"(
op f(x: u8[2]) -> (y: i32[2]) { y[i] = x[i] + t[i] }
op g(x: u1[2]) -> (y: i32[2]) { y[i] = t[x[i]] }
op h(x: u1[2]) -> (y: i32[2]) { y[i] = x[i] }
const t: u4[2] = "1"
)");
  EXPECT_EQ(parsed.op(0).tensors.size(), 3U);
  EXPECT_EQ(parsed.op(1).tensors.size(), 3U);
  EXPECT_EQ(parsed.op(0).tensors[2].values, parsed.op(1).tensors[2].values);
  EXPECT_EQ(parsed.op(2).tensors.size(), 2U);
}

TEST(FrontendConstants, scalarsArePaddings) {
  const Parsed parsed =
      parseClean("const zx: u8 = \"3\"\nconst low: f32 = \"-7\"\n"
                 "op f(x: u4[8] pad(zx), s: f32[8] pad(low)) -> (y: f32[8]) {\n"
                 "  y[i] = x[i + 1] * s[i + 1]\n}");
  EXPECT_EQ(parsed.padding("x").kind, ast::Padding::Kind::Value);
  EXPECT_EQ(parsed.padding("x").value, 3);
  EXPECT_EQ(parsed.padding("s").floatValue, -7.0F);
  EXPECT_EQ(parsed.op().tensors.size(), 3U);
  expectDiagnostics("const zx: u8 = \"16\"\n"
                    "op f(x: u4[8] pad(zx)) -> (y: i32[8]) { y[i] = x[i + 1] }",
                    "2:15: error: padding 16 is outside u4, which goes from 0 "
                    "to 15");
  expectDiagnostics(
      "const zx: u8[1] = \"1\"\n"
      "op f(x: u4[8] pad(zx)) -> (y: i32[8]) { y[i] = x[i + 1] }",
      "2:19: error: a constant as padding is a scalar, an integer "
      "for integer tensors and f32 for others\n"
      "1:7: note: 'zx' is declared here");
}

TEST(FrontendConstants, theirWordIsFreeElsewhere) {
  parseClean("op const(const: u8[2]) -> (y: i32[2]) {\n"
             "  a[i] = const[i]\n"
             "  y[i] = a[i]\n"
             "}");
}

TEST(FrontendConstants, wrongDeclarations) {
  constexpr const char *op =
      "\nop f(x: u8[2]) -> (y: i32[2]) { y[i] = x[i] + w[i] }";
  const auto expect = [&](const std::string &decl,
                          const std::string &expected) {
    expectDiagnostics(decl + op, expected);
  };
  expect("const w: s4[2] = \"none\"",
         "1:18: error: constant 'w' has no values: there is no such tensor");
  expect("const w: s4[2] = none",
         "1:18: error: expected the name of a stored tensor in quotes, found "
         "'none'");
  expect("const w: s4[2] = \"none",
         "1:18: error: a string ends with '\"' on its line");
  expect("const w: s4[2] pad(0) = \"1\"",
         "1:16: error: expected '=' and the name of a stored tensor, found "
         "'pad'");
  expect("const w[2] = \"1\"",
         "1:8: error: expected ':' and a type, found '['");
  expect("const w: s4[?n <= 2] = \"1\"",
         "1:13: error: constant 'w' has a run-time size; its extents are known "
         "when it is compiled");
  expect("const w: s40[2] = \"1\"",
         "1:10: error: type 's' has widths from 1 to 16, found 40");
  expect("const w: s4[0] = \"1\"",
         "1:13: error: an extent is at least 1 and at most 2^40, found 0");
  expect("const w: s4[2] = \"1\"\nconst w: s4[2] = \"1\"",
         "2:7: error: constant 'w' is declared twice\n"
         "1:7: note: first declared here");
  expect("param w = 1\nconst w: s4[2] = \"1\"",
         "2:7: error: constant 'w' has the name of a parameter\n"
         "1:7: note: first declared here\n"
         "3:47: error: 'w' is a parameter and has no subscripts\n"
         "1:7: note: the parameter is declared here");
}

TEST(FrontendConstants, namesInOperators) {
  expectDiagnostics("const w: s4[2] = \"1\"\n"
                    "op f(w: u8[2]) -> (y: i32[2]) { y[i] = w[i] }",
                    "2:6: error: input 'w' has the name of a constant\n"
                    "1:7: note: the constant is declared here");
  expectDiagnostics("const w: s4[2] = \"1\"\n"
                    "op f(x: u8[2]) -> (y: i32[2]) {\n"
                    "  w[i] = x[i]\n"
                    "  y[i] = x[i]\n"
                    "}",
                    "3:3: error: intermediate 'w' has the name of a constant\n"
                    "1:7: note: the constant is declared here");
  expectDiagnostics("const w: s4[2] = \"1\"\n"
                    "op f(x: u8[2]) -> (y: i32[2]) { y[w] = x[w] }",
                    "2:35: error: index 'w' has the name of a constant\n"
                    "1:7: note: the constant is declared here");
  expectDiagnostics("const w: s4[2] = \"1\"\n"
                    "op f(x: u8[2]) -> (y: i32[2]) { y[i] = x[i] + w[i + 1] }",
                    "2:49: error: subscript ranges over [1, 2] but dimension 0 "
                    "of 'w' has extent 2\n"
                    "1:7: note: 'w' is a constant, which has no padding; store "
                    "it with a border");
}

} // namespace
