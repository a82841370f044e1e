// QuantizeLinear and DequantizeLinear.
#include "networks/import/onnx/Quantizers.h"

namespace lpgen::importer::onnx {

/// The integer type of a zero point, of which a missing one is of uint8.
static Grid linearGrid(const Constant &scale,
                       const std::optional<Constant> &zero, bool isSigned) {
  Grid grid{.scale = scale,
            .zero = zero.value_or(Constant::scalar(0, true)),
            .bits = zero ? zero->bits : 8,
            .isRoundedFirst = true};
  setRange(grid, isSigned, false);
  return grid;
}

/// Along its axis, unless it is a scalar; a vector of one is one.
static Constant alongAxis(const Constant &constant, const Node &node,
                          size_t rank) {
  int64_t axis = node.integer("axis", 1);
  axis += axis < 0 ? int64_t(rank) : 0;
  return constant.shape.size() == 1 && axis >= 0 && axis < int64_t(rank)
             ? alongDim(constant, size_t(axis), rank)
         : constant.count() == 1 ? constant.reshaped({})
                                 : constant;
}

static Outcome lowerQuantizeLinear(Lowering &lowering, const Node &node) {
  const Value input = inReadingOrder(lowering, node);
  std::optional<Constant> scale = lowering.constantInput(node, 1);
  std::optional<Constant> zero = lowering.constantInput(node, 2);
  if (!scale || (node.hasInput(2) && !zero)) {
    return Refusal{scale ? "y_zero_point" : "y_scale", "it is not known", ""};
  }
  if (Outcome refusal = refuseScale(*scale, "y_scale", false)) {
    return refusal;
  }
  if (node.integer("block_size", 0) != 0) {
    return Refusal{"block_size", "activations have no scales of blocks", ""};
  }
  bool isSigned = zero && zero->isSigned;
  if (const DataTypeInfo *type =
          findDataType(int(node.integer("output_dtype", 0)));
      type && !zero) {
    zero = Constant::scalar(0, true);
    zero->bits = type->bits;
    isSigned = type->isSigned;
  }
  if (zero && zero->bits > 16) {
    return Refusal{"y_zero_point", "its type has more than 16 bits", ""};
  }
  Grid grid = linearGrid(
      alongAxis(*scale, node, input.rank()),
      zero ? std::optional(alongAxis(*zero, node, input.rank())) : zero,
      isSigned);
  const Node *reader = lowering.onlyReader(node.outputs[0]);
  std::optional<Value> result = quantize(
      lowering, input, grid, node.name, !reader || reader->operation != "Clip");
  if (!result) {
    return notBroadcast();
  }
  lowering.define(node, std::move(*result));
  return std::nullopt;
}

/// Scales of blocks, repeated for each element of the block.
static Constant spread(const Constant &blocks, const Constant &like,
                       size_t axis, int64_t size) {
  Constant result = blocks;
  result.shape = like.shape;
  result.values.clear();
  forEachElement(like.shape, [&](Extents indices) {
    indices[axis] /= size;
    result.values.push_back(blocks.broadcastAt(indices));
  });
  return result;
}

/// One number for each block of `size` elements along the axis, and each place
/// of the other dimensions.
static bool isOfBlocks(const Constant &numbers, const Constant &like,
                       size_t axis, int64_t size) {
  if (numbers.shape.size() != like.shape.size()) {
    return false;
  }
  for (size_t d = 0; d < like.shape.size(); ++d) {
    const int64_t extent = like.shape[d];
    const int64_t blocks =
        d == axis ? extent / size + (extent % size != 0 ? 1 : 0) : extent;
    if (numbers.shape[d] != blocks) {
      return false;
    }
  }
  return true;
}

static Outcome lowerDequantizeLinear(Lowering &lowering, const Node &node) {
  Value value = lowering.input(node, 0);
  std::optional<Constant> scale = lowering.constantInput(node, 1);
  std::optional<Constant> zero = lowering.constantInput(node, 2);
  if (!scale || (node.hasInput(2) && !zero)) {
    return Refusal{scale ? "x_zero_point" : "x_scale", "it is not known", ""};
  }
  if (!value.isInteger) {
    return Refusal{"x", "its elements are no integers", ""};
  }
  if (Outcome refusal = refuseScale(*scale, "x_scale", true)) {
    return refusal;
  }
  if (const int64_t block = node.integer("block_size", 0); block > 0) {
    int64_t axis = node.integer("axis", 1);
    axis += axis < 0 ? int64_t(value.rank()) : 0;
    if (!value.constant || axis < 0 || axis >= int64_t(value.rank()) ||
        !isOfBlocks(*scale, *value.constant, size_t(axis), block) ||
        (zero && !isOfBlocks(*zero, *value.constant, size_t(axis), block))) {
      return Refusal{"block_size",
                     "it needs known integers, and one scale and zero point "
                     "for each block",
                     ""};
    }
    *scale = spread(*scale, *value.constant, size_t(axis), block);
    if (zero) {
      *zero = spread(*zero, *value.constant, size_t(axis), block);
    }
  }
  const Grid grid{.scale = alongAxis(*scale, node, value.rank()),
                  .zero = zero ? alongAxis(*zero, node, value.rank())
                               : Constant::scalar(0, true)};
  value.quantization = quantizationOf(grid, value.rank());
  value.beforeRelu = nullptr;
  lowering.define(node, std::move(value));
  return std::nullopt;
}

std::span<const Rule> linearQuantizerRules() {
  static constexpr Rule rules[] = {
      {"QuantizeLinear", lowerQuantizeLinear,
       "axis block_size output_dtype saturate precision", 2},
      {"DequantizeLinear", lowerDequantizeLinear,
       "axis block_size output_dtype", 2},
  };
  return rules;
}

} // namespace lpgen::importer::onnx
