// Text from shapes.
#include "networks/NetworkText.h"
#include <algorithm>
#include <bit>

namespace lpgen::networks {

ElementType typeOf(const QuantParams &grid) {
  if (grid.isOdd) {
    return {Encoding::Bipolar,
            unsigned(std::bit_width(unsigned(grid.highest)))};
  }
  if (grid.lowest >= 0) {
    return {Encoding::Unsigned,
            unsigned(std::max<int>(std::bit_width(unsigned(grid.highest)), 1))};
  }
  unsigned bits = 2;
  while (grid.lowest < -(int64_t{1} << (bits - 1)) ||
         grid.highest >= int64_t{1} << (bits - 1)) {
    ++bits;
  }
  return {Encoding::Signed, bits};
}

ElementText::ElementText(const QuantParams &grid) {
  const ElementType found = typeOf(grid);
  type = found.str();
  if (grid.lowest != found.minValue() || grid.highest != found.maxValue()) {
    range = " in [" + std::to_string(grid.lowest) + ", " +
            std::to_string(grid.highest) + "]";
  }
}

/// "28, 28, 32"
static std::string extents(const Shape &shape) {
  return (shape.isFlat ? ""
                       : std::to_string(shape.height) + ", " +
                             std::to_string(shape.width) + ", ") +
         std::to_string(shape.channels);
}

std::string inputType(const ElementText &element, const Shape &shape,
                      int64_t images) {
  return element.type + "[?n <= " + std::to_string(images) + ", " +
         extents(shape) + "]" + element.range;
}

std::string outputType(const ElementText &element, const Shape &shape) {
  return element.type + "[?n, " + extents(shape) + "]";
}

std::string indices(const Shape &shape) {
  return shape.isFlat ? "[n,o]" : "[n,h,v,o]";
}

std::string subscript(const std::string &pixel, const std::string &tap,
                      int64_t stride, int64_t padding) {
  return (stride == 1 ? "" : std::to_string(stride) + "*") + pixel + " + " +
         tap + (padding == 0 ? "" : " - " + std::to_string(padding));
}

std::string operatorName(const Stage &stage) {
  std::string name = stage.name;
  std::ranges::replace(name, '.', '_');
  return name;
}

std::string networkText(const Network &network) {
  std::string text;
  for (const Stage &stage : network.stages) {
    text += (text.empty() ? "// " : "\n// ") + stage.summary + "\nop " +
            operatorName(stage) + "(";
    for (size_t i = 0; i < stage.inputs.size(); ++i) {
      const Input &input = stage.inputs[i];
      text += (i == 0  ? ""
               : i < 2 ? ",\n    "
                       : ", ") +
              input.name + ": " + input.type;
    }
    text +=
        ")\n  -> (y: " + stage.outputType + ") {\n" + stage.statements + "}\n";
  }
  return text;
}

} // namespace lpgen::networks
