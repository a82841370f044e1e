// MatMulNBits: weights of 2, 4 or 8 bits in blocks along the inputs, each with
// a scale and a zero point.
#include "networks/import/onnx/Products.h"
#include "networks/import/onnx/Weights.h"
#include <numeric>

namespace lpgen::importer::onnx {

using builder::Expression;

namespace {
struct Blocks {
  int64_t inputs = 0;
  int64_t outputs = 0;
  int64_t size = 0; ///< Inputs of a block.
  int64_t count = 0;
  int64_t bits = 4;
  Constant weights; ///< [outputs, blocks, inputs of a block]
  Constant scales;  ///< [outputs, blocks]
  Constant zeros;   ///< The same.
};
} // namespace

/// `count` numbers from the bytes of each row, the first in the lowest bits.
static std::vector<double> unpacked(const std::vector<double> &bytes,
                                    int64_t rows, int64_t count, int64_t bits) {
  const int64_t perByte = 8 / bits;
  const int64_t perRow = (count + perByte - 1) / perByte;
  std::vector<double> numbers;
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t i = 0; i < count; ++i) {
      const auto byte = int64_t(bytes[size_t(row * perRow + i / perByte)]);
      numbers.push_back(
          double(byte >> (i % perByte * bits) & ((1 << bits) - 1)));
    }
  }
  return numbers;
}

static Outcome readSizes(const Node &node, const Value &x, Blocks &blocks) {
  constexpr int64_t most = 1 << 24;
  blocks.inputs = node.integer("K", 0);
  blocks.outputs = node.integer("N", 0);
  blocks.size = node.integer("block_size", 0);
  blocks.bits = node.integer("bits", 4);
  const auto isBad = [](int64_t number) { return number < 1 || number > most; };
  if (isBad(blocks.inputs) || isBad(blocks.outputs) || isBad(blocks.size) ||
      (blocks.bits != 2 && blocks.bits != 4 && blocks.bits != 8) ||
      blocks.size * blocks.bits % 8 != 0) {
    return Refusal{"K, N, block_size or bits", "it is missing or out of range",
                   ""};
  }
  if (x.rank() < 1 || x.extent(x.rank() - 1) != blocks.inputs) {
    return Refusal{"A", "its last dimension is not K", ""};
  }
  blocks.count = (blocks.inputs + blocks.size - 1) / blocks.size;
  return std::nullopt;
}

static Outcome readBlocks(Lowering &lowering, const Node &node,
                          Blocks &blocks) {
  const std::optional<Constant> packed = lowering.constantInput(node, 1);
  const std::optional<Constant> scales = lowering.constantInput(node, 2);
  const std::optional<Constant> zeros = lowering.constantInput(node, 3);
  const int64_t grids = blocks.outputs * blocks.count;
  if (!packed || !packed->isInteger ||
      packed->count() != grids * blocks.size * blocks.bits / 8) {
    return Refusal{"B", "it is not known or has not K x N weights", ""};
  }
  if (!scales || scales->count() != grids) {
    return Refusal{"scales", "there is not one for each block", ""};
  }
  if (node.hasInput(4)) {
    return Refusal{"g_idx", "inputs in another order are not supported", ""};
  }
  const Extents shape = {blocks.outputs, blocks.count};
  blocks.weights = *packed;
  blocks.weights.values =
      unpacked(packed->values, grids, blocks.size, blocks.bits);
  blocks.weights.shape = {blocks.outputs, blocks.count, blocks.size};
  blocks.scales = scales->reshaped(shape);
  blocks.scales.isInteger = false;
  blocks.zeros = Constant::scalar(double(1 << (blocks.bits - 1)), true);
  if (!node.hasInput(3)) {
    return std::nullopt;
  }
  const int64_t rowBytes = (blocks.count * blocks.bits + 7) / 8;
  const bool isPacked = zeros && zeros->isInteger;
  if (!zeros ||
      zeros->count() != (isPacked ? blocks.outputs * rowBytes : grids)) {
    return Refusal{"zero_points", "there is not one for each block", ""};
  }
  blocks.zeros = *zeros;
  if (isPacked) {
    blocks.zeros.values =
        unpacked(zeros->values, blocks.outputs, blocks.count, blocks.bits);
  }
  blocks.zeros.shape = shape;
  return std::nullopt;
}

/// x times (w - zero) * scale, summed in the order of the inputs.
static Value product(Lowering &lowering, const Node &node, Value x,
                     const Blocks &blocks) {
  Emitter &emitter = lowering.emitter;
  x = emitter.stored(emitter.flat(x, node.inputs[0]), node.inputs[0]);
  if (blocks.count * blocks.size != blocks.inputs) {
    x = emitter.padded(x, "0");
  }
  const std::vector<Factors> dims = {
      {blocks.outputs}, {blocks.count}, {blocks.size}};
  const std::string w = addWeights(lowering, blocks.weights, true);
  const Reader scale =
      emitter.constantReader(blocks.scales, {dims[0], dims[1]});
  const Reader zero = emitter.constantReader(blocks.zeros, {dims[0], dims[1]});
  Value result;
  result.dims = x.dims;
  result.dims.back() = {blocks.outputs};
  result.order.resize(x.rank());
  std::iota(result.order.begin(), result.order.end(), 0);
  result.read = [=](const Subscripts &subscripts) {
    const Subscript &output = subscripts.back();
    const Subscript block = Subscript::index("r");
    const Subscript place = Subscript::index("s");
    Subscripts at = subscripts;
    at.back() = block * blocks.size + place;
    const Expression weight =
        Expression::element(w, {output.text(), block.text(), place.text()});
    return Expression::reduction(
        "sum", {"r", "s"},
        x.read(at) *
            ((weight - zero({output, block})) * scale({output, block})));
  };
  return emitter.assign(result, node.name + "_sum");
}

static Outcome lowerMatMulNBits(Lowering &lowering, const Node &node) {
  const Value x = lowering.emitter.real(lowering.input(node, 0));
  Blocks blocks;
  Outcome refusal = readSizes(node, x, blocks);
  refusal = refusal ? refusal : readBlocks(lowering, node, blocks);
  if (refusal) {
    return refusal;
  }
  Value result = product(lowering, node, x, blocks);
  Weights weights;
  weights.numbers = blocks.weights;
  addLayer(lowering, node, x, weights, result, blocks.inputs, blocks.weights);
  Layer &row = lowering.emitter.program.report.layers.back();
  row.declaredWeightBits = unsigned(blocks.bits);
  row.usedWeightBits = narrowestType(blocks.weights.integers()).bits;
  row.encoding = narrowestType(blocks.weights.integers()).str() + " x f32";
  row.scales = "group";
  if (node.hasInput(5)) {
    refusal = addBias(lowering, lowering.input(node, 5), x.rank() - 1, result);
  }
  if (!refusal) {
    lowering.define(node, std::move(result));
  }
  return refusal;
}

std::span<const Rule> blockProductRules() {
  static constexpr Rule rules[] = {
      {"MatMulNBits", lowerMatMulNBits, "K N bits block_size accuracy_level",
       3},
  };
  return rules;
}

} // namespace lpgen::importer::onnx
