// What the front end reports about syntax, parameters and declarations: every
// message with its place and the note that goes with it.
#include "tests/unit/FrontendTesting.h"

using namespace lpgen;

TEST(FrontendSyntax, EmptyFile) {
  expectDiagnostics(
      R"(// nothing)",
      R"(1:11: error: no operator in this file: expected 'op NAME(inputs) -> (outputs) { ... }')");
}

TEST(FrontendSyntax, UnexpectedCharacters) {
  expectDiagnostics(R"(op f(x: u2[4]) -> (y: u2[4]) {
  y[i] = x[i] @$ 3
})",
                    R"(2:15: error: unexpected character '@$')");
}

TEST(FrontendSyntax, MalformedNumbers) {
  expectDiagnostics(
      R"(param A = 0x
param B = 9223372036854775808
param C = 3k
op f(x: f32[4]) -> (y: f32[4]) {
  y[i] = x[i] * 0.5f + 1e
})",
      R"(1:11: error: malformed number '0x': an integer is decimal or hexadecimal (0x...)
2:11: error: malformed number '9223372036854775808': integers go up to 9223372036854775807
3:11: error: malformed number '3k': an integer is decimal or hexadecimal (0x...)
5:17: error: malformed number '0.5f': a floating-point number looks like 1.5 or 1e-3)");
}

TEST(FrontendSyntax, FloatTooLarge) {
  expectDiagnostics(
      R"(op f(x: f32[4]) -> (y: f32[4]) {
  y[i] = x[i] * 1e39
})",
      R"(2:17: error: malformed number '1e39': f32 values go up to 3.4028235e38)");
}

TEST(FrontendSyntax, NumbersTooLong) {
  const std::string nines(50000, '9');
  const std::string shown(40, '9');
  expectDiagnostics("param A = " + nines + "\nparam B = 0x" + nines +
                        "\nop f(x: f32[4]) -> (y: f32[4]) {\n  y[i] = x[i] * " +
                        nines + ".5\n}",
                    "1:11: error: malformed number '" + shown +
                        "': it has 50000 characters, at most 1000 are "
                        "supported\n2:11: error: malformed number '0x" +
                        shown.substr(2) +
                        "': it has 50002 characters, at most 1000 are "
                        "supported\n4:17: error: malformed number '" +
                        shown +
                        "': it has 50002 characters, at most 1000 are "
                        "supported");
  parseClean("op f(x: f32[4]) -> (y: f32[4]) { y[i] = x[i] * 0." +
             std::string(998, '9') + " }");
}

TEST(FrontendDeclarations, TooManyInputsAndOutputs) {
  std::string text = "op f(x: u2[1]) -> (y0: u2[1]";
  for (unsigned i = 1; i < 4096; ++i) {
    text += ", y" + std::to_string(i) + ": u2[1]";
  }
  expectDiagnostics(text + ") {}",
                    "1:4: error: operator 'f' has 4097 inputs and outputs; at "
                    "most 4096 are supported");
}

TEST(FrontendDeclarations, TooManyStatements) {
  std::string text = "op f(x: u2[1]) -> (y: u2[1]) {\n";
  for (unsigned i = 0; i < 65536; ++i) {
    text += "t" + std::to_string(i) + "[i] = x[i]\n";
  }
  expectDiagnostics(text + "y[i] = x[i]\n}",
                    "1:4: error: operator 'f' has 65537 statements; at most "
                    "65536 are supported");
}

TEST(FrontendSyntax, NotADeclaration) {
  expectDiagnostics(
      R"(operator f
op f(x: u2[4]) -> (y: u2[4]) { y[i] = x[i] })",
      R"(1:1: error: expected 'op', 'param', 'const' or 'include', found 'operator')");
}

TEST(FrontendSyntax, MissingArrow) {
  expectDiagnostics(R"(op f(x: u2[4]) { })",
                    R"(1:16: error: expected '->' and the outputs, found '{')");
}

TEST(FrontendSyntax, MissingColon) {
  expectDiagnostics(R"(op f(x u2[4]) -> (y: u2[4]) { y[i] = x[i] })",
                    R"(1:8: error: expected ':' and a type, found 'u2')");
}

TEST(FrontendSyntax, UnclosedBody) {
  expectDiagnostics(
      R"(op f(x: u2[4]) -> (y: u2[4]) {
  y[i] = x[i])",
      R"(2:14: error: expected a statement or '}', found the end of file)");
}

TEST(FrontendSyntax, BodyRunsIntoNextOp) {
  expectDiagnostics(R"(op f(x: u2[4]) -> (y: u2[4]) {
  y[i] = x[i]
op g(x: u2[4]) -> (y: u2[4]) {
  y[i] = x[i]
})",
                    R"(3:1: error: expected a statement or '}', found 'op')");
}

TEST(FrontendSyntax, RecoversAtTheNextStatement) {
  expectDiagnostics(
      R"(op f(x: u2[4]) -> (y: u2[4], z: u2[4], w: u2[4]) {
  y[i] = x[i] +
  z[i] = * x[i]
  w[i] = x[i
}
op g(x: u2[4]) -> (y: u2[4]) {
  y[i] = missing[i]
})",
      R"(3:8: error: expected an operator or the next statement, found '='
5:1: error: expected ',' or ']', found '}'
7:10: error: unknown name 'missing')");
}

TEST(FrontendSyntax, LeftHandSubscripts) {
  expectDiagnostics(
      R"(op f(x: u2[4]) -> (y: u2[4]) {
  y[i+1] = x[i]
})",
      R"(2:6: error: expected ',' or ']' (left-hand subscripts are plain index names), found '+')");
}

TEST(FrontendSyntax, ChainedComparison) {
  expectDiagnostics(
      R"(op f(x: u2[4]) -> (y: u1[4]) {
  y[i] = 0 < x[i] < 2
})",
      R"(2:19: error: comparisons do not chain; put one of them in parentheses)");
}

TEST(FrontendSyntax, ReservedWord) {
  expectDiagnostics(
      R"(op f(max: u2[4]) -> (y: u2[4]) {
  y[i] = 1
})",
      R"(1:6: error: expected a tensor name, found the reserved word 'max')");
}

TEST(FrontendSyntax, UnknownFunction) {
  expectDiagnostics(R"(op f(x: f32[4]) -> (y: f32[4]) {
  y[i] = sine(x[i])
})",
                    R"(2:10: error: no function 'sine')");
}

TEST(FrontendSyntax, StrayTextAfterExpression) {
  expectDiagnostics(
      R"(op f(x: u2[4]) -> (y: u2[4]) {
  y[i] = x[i] ) + 1
})",
      R"(2:15: error: expected an operator or the next statement, found ')')");
}

TEST(FrontendSyntax, ScalarWithBrackets) {
  expectDiagnostics(
      R"(op f(x: u2[]) -> (y: u2) { y = x })",
      R"(1:12: error: expected an extent (a scalar is declared without brackets), found ']')");
}

TEST(FrontendSyntax, PadTwice) {
  expectDiagnostics(
      R"(op f(x: u2[4] pad(0) pad(1)) -> (y: u2[4]) { y[i] = x[i] })",
      R"(1:22: error: 'pad' is given twice)");
}

TEST(FrontendSyntax, InTwice) {
  expectDiagnostics(
      R"(op f(x: u2[4] in [0, 1] in [0, 1]) -> (y: u2[4]) { y[i] = x[i] })",
      R"(1:25: error: 'in' is given twice)");
}

TEST(FrontendDeclarations, UnknownTypes) {
  expectDiagnostics(
      R"(op f(a: u02[4], b: t3[4], c: i16, d: f64, e: int{4}) -> (y: i32) { y = 1 })",
      R"(1:9: error: unknown type 'u02': expected u1..u16, s1..s16, b1..b8, t2, u32, i32, i64, f16, bf16 or f32
1:20: error: unknown type 't3': expected u1..u16, s1..s16, b1..b8, t2, u32, i32, i64, f16, bf16 or f32
1:30: error: unknown type 'i16': expected u1..u16, s1..s16, b1..b8, t2, u32, i32, i64, f16, bf16 or f32
1:38: error: unknown type 'f64': expected u1..u16, s1..s16, b1..b8, t2, u32, i32, i64, f16, bf16 or f32
1:46: error: unknown type 'int{4}': expected u1..u16, s1..s16, b1..b8, t2, u32, i32, i64, f16, bf16 or f32)");
}

TEST(FrontendDeclarations, BadWidths) {
  expectDiagnostics(R"(param AB = 17
op f(a: u0[4], b: u17[4], c: b9[4], d: s{AB}[4], e: b{0}[4]) -> (y: i32) { y = 1 })",
                    R"(2:9: error: type 'u' has widths from 1 to 16, found 0
2:19: error: type 'u' has widths from 1 to 16, found 17
2:30: error: type 'b' has widths from 1 to 8, found 9
2:40: error: type 's' has widths from 1 to 16, found 17
2:53: error: type 'b' has widths from 1 to 8, found 0)");
}

TEST(FrontendDeclarations, BadExtents) {
  expectDiagnostics(
      R"(param N = 0
op f(a: u2[0], b: u2[N - 3], c: u2[0x20000000000], d: u2[1.5], e: u2[M], g: u2[5/2]) -> (y: i32) { y = 1 })",
      R"(2:12: error: an extent is at least 1 and at most 2^40, found 0
2:22: error: an extent is at least 1 and at most 2^40, found -3
2:36: error: an extent is at least 1 and at most 2^40, found 2199023255552
2:58: error: expected an integer constant, found a floating-point number
2:70: error: expected an integer constant, but 'M' is not a parameter declared before this place
2:81: error: 5 / 2 is not an integer; use floordiv or rounddiv)");
}

TEST(FrontendDeclarations, TooManyElements) {
  expectDiagnostics(R"(op f(a: u2[0x100000, 0x100001]) -> (y: i32) { y = 1 })",
                    R"(1:6: error: 'a' has more than 2^40 elements)");
}

TEST(FrontendDeclarations, TooManyDimensions) {
  expectDiagnostics(
      R"(op f(a: u2[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]) -> (y: i32) { y = 1 })",
      R"(1:6: error: 'a' has 17 dimensions; at most 16 are supported)");
}

TEST(FrontendDeclarations, DuplicateNames) {
  expectDiagnostics(R"(param N = 4
param N = 5
op f(x: u2[4], x: u2[4], N: i32) -> (x: u2[4]) {
  x[i] = 1
}
op f(x: u2[4]) -> (y: u2[4]) { y[i] = x[i] })",
                    R"(2:7: error: parameter 'N' is declared twice
1:7: note: first declared here
6:4: error: operator 'f' is declared twice
3:4: note: first declared here
3:16: error: input 'x' has the name of a tensor
3:6: note: the tensor is declared here
3:26: error: input 'N' has the name of a parameter
1:7: note: the parameter is declared here
3:38: error: output 'x' has the name of a tensor
3:6: note: the tensor is declared here)");
}

TEST(FrontendDeclarations, NoOutput) {
  expectDiagnostics(R"(op f(x: u2[4]) -> () { })",
                    R"(1:4: error: operator 'f' has no output)");
}

TEST(FrontendDeclarations, OutputNeverAssigned) {
  expectDiagnostics(R"(op f(x: u2[4]) -> (y: u2[4], z: u2[4]) {
  y[i] = x[i]
})",
                    R"(1:30: error: output 'z' is never assigned)");
}

TEST(FrontendDeclarations, UnusedInputAndIntermediate) {
  expectDiagnostics(R"(op f(x: u2[4], w: u2[4]) -> (y: u2[4]) {
  t[i] = x[i] + 1
  y[i] = x[i]
})",
                    R"(1:16: warning: input 'w' is never read
2:3: warning: intermediate 't' is never read)");
}

TEST(FrontendDeclarations, AssignedTwice) {
  expectDiagnostics(
      R"(op f(x: u2[4]) -> (y: u2[4]) {
  y[i] = x[i]
  y[i] = x[i] + 1
})",
      R"(3:3: error: 'y' is assigned twice
2:3: note: first assigned here)");
}

TEST(FrontendDeclarations, InputAssigned) {
  expectDiagnostics(R"(op f(x: u2[4]) -> (y: u2[4]) {
  x[i] = 1
  y[i] = x[i]
})",
                    R"(2:3: error: input 'x' cannot be assigned
1:6: note: 'x' is declared here)");
}

TEST(FrontendDeclarations, SymbolWithoutBound) {
  expectDiagnostics(
      R"(op f(x: u2[?m]) -> (y: u2[?m]) { y[i] = x[i] })",
      R"(1:12: error: run-time size '?m' has no bound; write '?m <= BOUND' where it is first mentioned
1:27: error: run-time size '?m' has no bound; write '?m <= BOUND' where it is first mentioned)");
}

TEST(FrontendDeclarations, SymbolBoundsDisagree) {
  expectDiagnostics(
      R"(op f(x: u2[?m <= 8]) -> (y: u2[?m <= 9]) {
  y[i] = x[i]
})",
      R"(1:32: error: run-time size '?m' is bounded by 9 here but by 8 before
1:12: note: first bounded here)");
}

TEST(FrontendDeclarations, RangeFaults) {
  expectDiagnostics(
      R"(op f(a: u2[4] in [0, 5], b: s4[4] in [3, -3], c: f32[4] in [0, 1], d: b1 in [0, 1])
  -> (y: u2[4] in [0, 1]) {
  y[i] = 1
})",
      R"(1:22: error: 5 is not a value of type u2
1:35: error: range [3, -3] is empty; the lower end stands first
1:57: error: 'in' describes integers, but 'c' is f32
1:78: error: 0 is not a value of type b1
2:16: error: 'in' describes inputs; the range of output 'y' follows from its statement, use clamp(...) there)");
}

TEST(FrontendDeclarations, PaddingFaults) {
  expectDiagnostics(
      R"(op f(a: u2[4] pad(4), b: i32 pad(0), c: u2[4] pad(q), d: u2[4] pad(1.5),
     e: u4[4] pad(z), z: i32, g: f32[4] pad(z), h: u2[4] pad(y))
  -> (y: u2[4]) {
  y[i] = 1
})",
      R"(1:15: error: padding 4 is outside u2, which goes from 0 to 3
1:30: error: 'b' is a scalar, which has no outside to pad
1:51: error: expected a constant, 'lowest', 'edge', 'reflect' or an input as padding, found 'q'
1:68: error: expected an integer constant, found a floating-point number
2:19: error: padding 'z' ranges over [-2147483648, 2147483647], but u4 goes from 0 to 15
2:23: note: declare the range of 'z' with 'in [lo, hi]'
2:45: error: a tensor as padding is an input, a scalar or a value for each position of the last dimension, integers for integer tensors and f32 for others
2:23: note: 'z' is declared here
2:62: error: a tensor as padding is an input, a scalar or a value for each position of the last dimension, integers for integer tensors and f32 for others
3:7: note: 'y' is declared here)");
}

TEST(FrontendDeclarations, PaddingsThatDoNotFitReads) {
  expectDiagnostics(
      R"(op f(a: u2[4, 4] pad(z), b: u2[4, 3] pad(z), c: u2[4] pad(reflect),
     d: u2[?n <= 4] pad(edge), e: u2[4] pad(edge), z: u2[4])
  -> (y: u2[9, 9]) {
  y[i,j] = a[i - 1,j - 1] + b[i - 1,clamp(j, 0, 2)] + c[i - 4] + c[9 - 3 * i]
    + d[i - 1] + e[i / 2] + c[i - 2] + e[floordiv(j, 2)]
})",
      R"(4:20: error: subscript leaves the last dimension of 'a', for whose positions padding 'z' has values
4:31: error: padding 'z' has extent 4 but the last dimension of 'b' has extent 3
4:57: error: subscript ranges over [-4, 4] but dimension 0 of 'c' has extent 4; 'pad(reflect)' needs a constant extent and mirrors at each end once
4:68: error: subscript ranges over [-15, 9] but dimension 0 of 'c' has extent 4; 'pad(reflect)' needs a constant extent and mirrors at each end once
5:9: error: subscript ranges over [-1, 7] but dimension 0 of 'd' has extent ?n; 'pad(edge)' needs a constant extent
5:20: error: 'pad(edge)' has no element where the subscript is no multiple of its divisor; use floordiv(a, b))");
}

TEST(FrontendDeclarations, ParameterFaults) {
  expectDiagnostics(
      R"(param A = 4 / 3
param B = C + 1
param C = A + 1
param D = 1 / 0
param E = 0x7fffffffffffffff * 2
param F = 1 >> 64
param G = 1 < 2
param H = round(2)
param I = min(1)
op f(x: u2[A]) -> (y: u2[A]) { y[i] = x[i] })",
      R"(1:13: error: 4 / 3 is not an integer; use floordiv or rounddiv
2:11: error: expected an integer constant, but 'C' is not a parameter declared before this place
4:13: error: division by zero in a constant
5:30: error: constant does not fit a 64-bit integer
6:13: error: shift by 64; shifts go from 0 to 63
7:13: error: expected an integer constant, found a comparison
8:11: error: 'round' cannot stand in a constant
9:11: error: 'min' takes 2 argument(s), found 1)");
}

TEST(FrontendDeclarations, UnknownDefine) {
  expectDiagnostics(
      R"(param N = 4
param K = 5
op f(x: u2[N]) -> (y: u2[N]) { y[i] = x[i] })",
      R"(error: no parameter 'M' in 'test.lp'; it declares 'N', 'K')",
      {{"M", 3}});
}

TEST(FrontendDeclarations, UnknownDefineNoParams) {
  expectDiagnostics(
      R"(op f(x: u2[4]) -> (y: u2[4]) { y[i] = x[i] })",
      R"(error: no parameter 'M' in 'test.lp'; it declares no parameters)",
      {{"M", 3}});
}

TEST(FrontendDeclarations, DefineMakesFileWrong) {
  expectDiagnostics(
      R"(param N = 4
op f(x: u2[N]) -> (y: u2[N]) { y[i] = x[i] })",
      R"(2:12: error: an extent is at least 1 and at most 2^40, found 0
2:26: error: an extent is at least 1 and at most 2^40, found 0)",
      {{"N", 0}});
}

TEST(FrontendDeclarations, FaultyParameterIsReportedOnce) {
  expectDiagnostics(
      R"(param A = 4 / 3
op f(x: u{A}[A] pad(A) in [0, A]) -> (y: u2[A]) { y[i] = x[i + A] }
op g(x: u2[4] pad(A)) -> (y: u2[4]) { y[i] = x[i + 1] }
op h(x: u2[4]) -> (y: i32[4]) { y[i] = x[i] + A }
op k(x: u2[4] in [0, A]) -> (y: i32[4]) { y[i] = sum(j:A) x[i] })",
      R"(1:13: error: 4 / 3 is not an integer; use floordiv or rounddiv)");
}

TEST(FrontendSyntax, DeepNestingIsRefused) {
  std::string open(100000, '(');
  std::string minus(100000, '-');
  std::string chain = "x[i]";
  for (int i = 0; i != 100000; ++i) {
    chain += " + x[i]";
  }
  std::string message = "expression is nested more than 200 levels deep; split "
                        "it into several statements";
  for (const std::string &value : {open + "x[i]", minus + "x[i]", chain}) {
    Parsed parsed =
        parse("op f(x: u2[4]) -> (y: i32[4]) {\n  y[i] = " + value + "\n}\n");
    ASSERT_EQ(parsed.messages.size(), 1U);
    EXPECT_NE(parsed.messages[0].find(message), std::string::npos);
  }
}

TEST(FrontendSyntax, MessagesAreLimited) {
  std::string text;
  for (int i = 0; i != 1000; ++i) {
    text += "op f(x: u17) -> () { }\n";
  }
  Parsed parsed = parse(text);
  EXPECT_EQ(parsed.messages.back(),
            "102:4: error: too many messages; the rest are not shown");
  EXPECT_LT(parsed.messages.size(), 250U);
}
