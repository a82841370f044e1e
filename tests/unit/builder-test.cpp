// Text of the operator language from expressions and declarations.
#include "operators/builder/ConvOperator.h"
#include "operators/builder/Operator.h"
#include <gtest/gtest.h>

using namespace lpgen;
using namespace lpgen::builder;

namespace {

TEST(Expression, ParenthesesWherePrecedenceAsksForThem) {
  const Expression a = Expression::scalar("a");
  const Expression b = Expression::scalar("b");
  const Expression c = Expression::scalar("c");
  EXPECT_EQ((a + b * c).text(), "a + b * c");
  EXPECT_EQ(((a + b) * c).text(), "(a + b) * c");
  EXPECT_EQ((a * (b + c)).text(), "a * (b + c)");
  EXPECT_EQ((a - b - c).text(), "a - b - c");
  EXPECT_EQ((a - (b - c)).text(), "a - (b - c)");
  EXPECT_EQ((a / (b / c)).text(), "a / (b / c)");
  EXPECT_EQ((a * b / c).text(), "a * b / c");
  EXPECT_EQ((2 * (a + b >= 0) - 1).text(), "2 * (a + b >= 0) - 1");
  EXPECT_EQ((a * -3).text(), "a * (-3)");
  EXPECT_EQ(((a > b) != (b >= c)).text(), "(a > b) != (b >= c)");
  EXPECT_EQ(Expression::call("clamp", {a + b, -3, 3}).text(),
            "clamp(a + b, -3, 3)");
}

TEST(Expression, ElementsAndSubscripts) {
  EXPECT_EQ(Expression::element("x", {"n", "c"}).text(), "x[n,c]");
  EXPECT_EQ(Expression::element("x", {"n", subscript("h", 2, "r", 1)}).text(),
            "x[n, 2*h + r - 1]");
  EXPECT_EQ(subscript("h", 1), "h");
  EXPECT_EQ(subscript("h", 2), "2*h");
  EXPECT_EQ(subscript("o", 1, "16"), "o + 16");
}

TEST(Operator, ConvolutionFromItsShape) {
  ConvSpec spec;
  spec.xMin = 0;
  spec.images = 4;
  spec.geometry.height = spec.geometry.width = 8;
  spec.geometry.channels = 3;
  spec.geometry.outputs = 5;
  spec.geometry.kernel = 3;
  spec.geometry.stride = 2;
  spec.geometry.padding = 1;
  EXPECT_EQ(forwardOperatorText(spec),
            "op conv_x0to127_w127_n4_h8_v8_c3_o5_k3_s2_p1(\n"
            "    x: s8[?n <= 4, 8, 8, 3] in [0, 127] pad(0),\n"
            "    w: s8[5, 3, 3, 3] in [-127, 127],\n"
            "    scale: f32)\n"
            "  -> (y: f32[?n, 4, 4, 5]) {\n"
            "  acc[n,h,v,o] = sum(r, s, c) x[n, 2*h + r - 1, 2*v + s - 1, c] "
            "* w[o,r,s,c]\n"
            "  y[n,h,v,o] = acc[n,h,v,o] * scale\n"
            "}\n");
}

TEST(Operator, OfAnyExtentsAndWidths) {
  Declaration x = {"x", {Encoding::Unsigned, 8}};
  x.width = "A";
  x.extents = {Extent::upTo("n", Extent::of("N")), Extent::of("C")};
  Operator op = {"half", "", {x}, {x}, {}, {"C", "A", "S = 2"}};
  op.outputs[0].name = "y";
  op.outputs[0].extents = {Extent::declared("n"), Extent::of("C / S")};
  EXPECT_EQ(op.text(), "op half<C, A, S = 2>(\n"
                       "    x: u{A}[?n <= N, C])\n"
                       "  -> (y: u{A}[?n, C / S]) {\n"
                       "}\n");
}

} // namespace
