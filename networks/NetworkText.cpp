// Declarations from shapes.
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

builder::Declaration declare(const std::string &name,
                             const std::optional<QuantParams> &grid,
                             std::vector<builder::Extent> extents) {
  builder::Declaration tensor = {name};
  tensor.extents = std::move(extents);
  if (grid) {
    tensor.type = typeOf(*grid);
    tensor.lowest = grid->lowest;
    tensor.highest = grid->highest;
  }
  return tensor;
}

builder::Declaration declare(const std::string &name,
                             const std::optional<QuantParams> &grid,
                             const builder::Extent &images,
                             const Shape &shape) {
  return shape.isFlat
             ? declare(name, grid, {images, shape.channels})
             : declare(name, grid,
                       {images, shape.height, shape.width, shape.channels});
}

std::vector<std::string> indices(const Shape &shape) {
  return shape.isFlat ? std::vector<std::string>{"n", "o"}
                      : std::vector<std::string>{"n", "h", "v", "o"};
}

std::string operatorName(const Stage &stage) {
  std::string name = stage.name;
  std::ranges::replace(name, '.', '_');
  return name;
}

std::string networkText(const Network &network) {
  std::string text;
  for (const Stage &stage : network.stages) {
    builder::Operator op = {operatorName(stage),
                            stage.summary,
                            {},
                            {stage.result},
                            stage.statements};
    for (const Input &input : stage.inputs) {
      op.inputs.push_back(input.tensor);
    }
    text += (text.empty() ? "" : "\n") + op.text();
  }
  return text;
}

} // namespace lpgen::networks
