// Convolutions from numbers.
#include "operators/builder/ConvOperator.h"
#include "operators/builder/GemmOperator.h"
#include "operators/builder/Operator.h"
#include <cassert>

namespace lpgen {

/// "conv_x0to127_w127_n2_h14_v14_c32_o64_k3_s1_p1"
static std::string nameOf(const char *product, const ConvSpec &spec) {
  std::string name = std::string(product) + "_x";
  name += spec.xMin < 0 ? "" : std::to_string(spec.xMin) + "to";
  name += std::to_string(spec.xMax) + "_w" + std::to_string(spec.wMax);
  const auto add = [&](const char *key, int64_t value) {
    name += std::string("_") + key + std::to_string(value);
  };
  const ConvGeometry &g = spec.geometry;
  add("n", spec.images);
  add("h", g.height);
  add("v", g.width);
  add("c", g.channels);
  add("o", g.outputs);
  add("k", g.kernel);
  add("s", g.stride);
  add("p", g.padding);
  return name;
}

static builder::Declaration operand(const char *name,
                                    std::vector<builder::Extent> extents,
                                    int32_t min, int32_t max) {
  return {name, GemmSpec::typeFor(max), std::move(extents), min, max};
}

/// The pixel of x, rows and columns, that the taps (r, s) read for (h, v).
static std::vector<std::string> pixelOf(const ConvGeometry &g) {
  return {builder::subscript("h", g.stride, "r", g.padding),
          builder::subscript("v", g.stride, "s", g.padding)};
}

std::string forwardOperatorName(const ConvSpec &spec) {
  return nameOf("conv", spec);
}

std::string forwardOperatorText(const ConvSpec &spec) {
  assert(spec.forwardTerms() <= GemmSpec::maxReduction(spec.xMax, spec.wMax) &&
         "the sum fits 32 bits");
  using namespace builder;
  const ConvGeometry &g = spec.geometry;
  const std::vector<std::string> pixel = pixelOf(g);
  Operator op;
  op.name = forwardOperatorName(spec);
  op.inputs = {
      operand("x",
              {Extent::upTo("n", spec.images), g.height, g.width, g.channels},
              spec.xMin, spec.xMax),
      operand("w", {g.outputs, g.kernel, g.kernel, g.channels}, -spec.wMax,
              spec.wMax),
      {"scale"}};
  op.inputs[0].isPadded = g.padding > 0;
  op.outputs = {
      {"y",
       {Encoding::Float, 32},
       {Extent::declared("n"), g.outHeight(), g.outWidth(), g.outputs}}};
  const Expression sum = Expression::element("acc", {"n", "h", "v", "o"});
  op.statements = {
      {sum, Expression::reduction(
                "sum", {"r", "s", "c"},
                Expression::element("x", {"n", pixel[0], pixel[1], "c"}) *
                    Expression::element("w", {"o", "r", "s", "c"}))},
      {Expression::element("y", {"n", "h", "v", "o"}),
       sum * Expression::scalar("scale")}};
  return op.text();
}

std::string weightGradientOperatorName(const ConvSpec &spec) {
  return nameOf("filters", spec);
}

std::string weightGradientOperatorText(const ConvSpec &spec) {
  assert(spec.gradientTerms() <= GemmSpec::maxReduction(spec.xMax, spec.wMax) &&
         "the sum fits 32 bits");
  using namespace builder;
  const ConvGeometry &g = spec.geometry;
  const std::vector<std::string> pixel = pixelOf(g);
  Operator op;
  op.name = weightGradientOperatorName(spec);
  op.inputs = {operand("x", {g.height, g.width, g.channels, spec.images},
                       spec.xMin, spec.xMax),
               operand("dy",
                       {g.outHeight(), g.outWidth(), g.outputs, spec.images},
                       -spec.wMax, spec.wMax)};
  op.inputs[0].isPadded = g.padding > 0;
  op.outputs = {{"y",
                 {Encoding::Signed, 32},
                 {g.kernel, g.kernel, g.channels, g.outputs}}};
  op.statements = {
      {Expression::element("y", {"r", "s", "c", "o"}),
       Expression::reduction(
           "sum", {"h", "v", "n"},
           Expression::element("x", {pixel[0], pixel[1], "c", "n"}) *
               Expression::element("dy", {"h", "v", "o", "n"}))}};
  return op.text();
}

} // namespace lpgen
