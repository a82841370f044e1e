// Text from numbers.
#include "training/contractions/ConvOperator.h"
#include "operators/builder/GemmOperator.h"
#include <cassert>
#include <initializer_list>

namespace lpgen::quant {

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

/// "s8[14, 14, 32] in [-127, 127]"
static std::string operand(std::initializer_list<std::string> extents,
                           int32_t min, int32_t max) {
  std::string shape;
  for (const std::string &extent : extents) {
    shape += (shape.empty() ? "" : ", ") + extent;
  }
  return GemmSpec::typeFor(max).str() + "[" + shape + "] in [" +
         std::to_string(min) + ", " + std::to_string(max) + "]";
}

/// The input row of output row `out` under filter row `tap`: "2 * h + r - 1".
static std::string inputRow(const ConvGeometry &g, const char *out,
                            const char *tap) {
  std::string row = g.stride == 1 ? "" : std::to_string(g.stride) + " * ";
  row += std::string(out) + " + " + tap;
  return g.padding == 0 ? row : row + " - " + std::to_string(g.padding);
}

std::string forwardOperatorName(const ConvSpec &spec) {
  return nameOf("conv", spec);
}

std::string forwardOperatorText(const ConvSpec &spec) {
  assert(spec.forwardTerms() <= GemmSpec::maxReduction(spec.xMax, spec.wMax) &&
         "the sum fits 32 bits");
  using std::to_string;
  const ConvGeometry &g = spec.geometry;
  const std::string outputs = to_string(g.outputs);
  const std::string kernel = to_string(g.kernel);
  const std::string channels = to_string(g.channels);
  return "op " + forwardOperatorName(spec) + "(\n    x: " +
         operand({"?n <= " + to_string(spec.images), to_string(g.height),
                  to_string(g.width), channels},
                 spec.xMin, spec.xMax) +
         (g.padding > 0 ? " pad(0)" : "") + ",\n    w: " +
         operand({outputs, kernel, kernel, channels}, -spec.wMax, spec.wMax) +
         ",\n    scale: f32)\n  -> (y: f32[?n, " + to_string(g.outHeight()) +
         ", " + to_string(g.outWidth()) + ", " + outputs +
         "]) {\n  acc[n,h,v,o] = sum(r, s, c) x[n, " + inputRow(g, "h", "r") +
         ", " + inputRow(g, "v", "s") +
         ", c] * w[o, r, s, c]\n  y[n,h,v,o] = acc[n,h,v,o] * scale\n}\n";
}

std::string weightGradientOperatorName(const ConvSpec &spec) {
  return nameOf("filters", spec);
}

std::string weightGradientOperatorText(const ConvSpec &spec) {
  assert(spec.gradientTerms() <= GemmSpec::maxReduction(spec.xMax, spec.wMax) &&
         "the sum fits 32 bits");
  using std::to_string;
  const ConvGeometry &g = spec.geometry;
  const std::string images = to_string(spec.images);
  const std::string outputs = to_string(g.outputs);
  const std::string channels = to_string(g.channels);
  const std::string kernel = to_string(g.kernel);
  return "op " + weightGradientOperatorName(spec) + "(\n    x: " +
         operand({to_string(g.height), to_string(g.width), channels, images},
                 spec.xMin, spec.xMax) +
         (g.padding > 0 ? " pad(0)" : "") + ",\n    dy: " +
         operand({to_string(g.outHeight()), to_string(g.outWidth()), outputs,
                  images},
                 -spec.wMax, spec.wMax) +
         ")\n  -> (y: i32[" + kernel + ", " + kernel + ", " + channels + ", " +
         outputs + "]) {\n  y[r,s,c,o] = sum(h, v, n) x[" +
         inputRow(g, "h", "r") + ", " + inputRow(g, "v", "s") +
         ", c, n] * dy[h, v, o, n]\n}\n";
}

} // namespace lpgen::quant
