// Text from geometry.
#include "runtime/inference/NetworkText.h"
#include <algorithm>

namespace lpgen::inference {

std::string operatorName(const Stage &stage) {
  std::string name = stage.name;
  std::ranges::replace(name, '.', '_');
  return name;
}

/// "s8[64, 3, 3, 32] in [-127, 127]"
static std::string tensorText(const nn::IntegerGrid &grid,
                              const std::string &extents) {
  const ElementType type = typeOf(grid);
  std::string text = type.str() + "[" + extents + "]";
  if (grid.lowest != type.minValue() || grid.highest != type.maxValue()) {
    text += " in [" + std::to_string(grid.lowest) + ", " +
            std::to_string(grid.highest) + "]";
  }
  return text;
}

static std::string outputText(const Stage &stage, const std::string &extents) {
  return stage.output ? typeOf(*stage.output).str() + "[" + extents + "]"
                      : "f32[" + extents + "]";
}

/// "2*h + r - 1"
static std::string subscript(const std::string &pixel, const std::string &tap,
                             int64_t stride, int64_t padding) {
  return (stride == 1 ? "" : std::to_string(stride) + "*") + pixel + " + " +
         tap + (padding == 0 ? "" : " - " + std::to_string(padding));
}

static std::string list(std::initializer_list<int64_t> extents) {
  std::string text;
  for (const int64_t extent : extents) {
    text += ", " + std::to_string(extent);
  }
  return text;
}

static std::string poolText(const Stage &stage) {
  const nn::ConvGeometry &g = stage.geometry;
  const std::string kernel = std::to_string(g.kernel);
  return "op " + operatorName(stage) + "(x: " +
         tensorText(stage.input, "?n <= " + std::to_string(imagesPerCall) +
                                     list({g.height, g.width, g.channels})) +
         ")\n  -> (y: " +
         outputText(stage,
                    "?n" + list({g.outHeight(), g.outWidth(), g.channels})) +
         ") {\n  y[n,h,v,c] = max(r:" + kernel + ", q:" + kernel + ") x[n, " +
         subscript("h", "r", g.stride, 0) + ", " +
         subscript("v", "q", g.stride, 0) + ", c]\n}\n";
}

/// The value of `sum`, "acc[n,o]", for output o.
static std::string valueText(const Stage &stage, const std::string &sum) {
  std::string value =
      sum + (stage.find("unit") ? " * unit" : "") + " * gain[o] + offset[o]";
  if (stage.find("step")) {
    value = "(" + value + ") / step";
  }
  if (!stage.output) {
    return value;
  }
  return "round(clamp(" + value + ", " + std::to_string(stage.output->lowest) +
         ", " + std::to_string(stage.output->highest) + "))";
}

static std::string productText(const Stage &stage) {
  const nn::ConvGeometry &g = stage.geometry;
  const bool isLinear = g.isLinear();
  const std::string images = "?n <= " + std::to_string(imagesPerCall);
  std::string text =
      "// " + stage.folded + "\nop " + operatorName(stage) + "(x: " +
      tensorText(stage.input,
                 images + (isLinear ? list({g.channels})
                                    : list({g.height, g.width, g.channels}))) +
      (g.padding > 0 ? " pad(0)" : "") + ",\n    w: " +
      tensorText(stage.weight,
                 std::to_string(g.outputs) +
                     (isLinear ? list({g.channels})
                               : list({g.kernel, g.kernel, g.channels})));
  for (const FloatInput &input : stage.floats) {
    text += ", " + input.name + ": f32" +
            (input.isScalar ? "" : "[" + std::to_string(g.outputs) + "]");
  }
  text +=
      ")\n  -> (y: " +
      outputText(stage, "?n" + (isLinear ? list({g.outputs})
                                         : list({g.outHeight(), g.outWidth(),
                                                 g.outputs}))) +
      ") {\n";
  const std::string indices = isLinear ? "[n,o]" : "[n,h,v,o]";
  text += "  acc" + indices +
          (isLinear ? " = sum(c) x[n,c] * w[o,c]\n"
                    : " = sum(r, q, c) x[n, " +
                          subscript("h", "r", g.stride, g.padding) + ", " +
                          subscript("v", "q", g.stride, g.padding) +
                          ", c] * w[o,r,q,c]\n");
  return text + "  y" + indices + " = " + valueText(stage, "acc" + indices) +
         "\n}\n";
}

std::string networkText(const Network &network) {
  std::string text;
  for (const Stage &stage : network.stages) {
    text += (text.empty() ? "" : "\n") + (stage.kind == Stage::Kind::MaxPool
                                              ? poolText(stage)
                                              : productText(stage));
  }
  return text;
}

} // namespace lpgen::inference
