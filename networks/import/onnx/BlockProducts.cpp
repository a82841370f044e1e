// MatMulNBits: weights of 2, 4 or 8 bits in blocks along the inputs, each with
// a scale and a zero point. x stays in binary32, or is quantized to 8 bits in
// the same blocks where the node allows that.
#include "networks/import/onnx/Products.h"
#include "networks/import/onnx/Quantizers.h"
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
  /// The block of each input, where they are not in order: g_idx.
  std::vector<int64_t> ofInput;

  /// Integers can be summed before they are scaled.
  bool isOfIntegers() const { return ofInput.empty() && zeros.isIntegral(); }
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
  const int64_t accuracy = node.integer("accuracy_level", 0);
  if (accuracy < 0 || accuracy > 4) {
    return Refusal{"accuracy_level", "it is no number from 0 to 4", ""};
  }
  if (x.rank() < 1 || x.extent(x.rank() - 1) != blocks.inputs) {
    return Refusal{"A", "its last dimension is not K", ""};
  }
  blocks.count = (blocks.inputs + blocks.size - 1) / blocks.size;
  return std::nullopt;
}

/// Which block each input belongs to; nothing is kept if they are in order.
static Outcome readOrder(Lowering &lowering, const Node &node, Blocks &blocks) {
  if (!node.hasInput(4)) {
    return std::nullopt;
  }
  const std::optional<Constant> order = lowering.constantInput(node, 4);
  if (!order || !order->isInteger ||
      (order->count() != blocks.inputs &&
       order->count() != blocks.count * blocks.size)) {
    return Refusal{"g_idx",
                   "it is not known, or not one integer for each input", ""};
  }
  bool isInOrder = true;
  for (int64_t i = 0; i < blocks.inputs; ++i) {
    const double block = order->values[size_t(i)];
    if (block < 0 || block >= double(blocks.count)) {
      return Refusal{"g_idx", "it names a block that is not there", ""};
    }
    isInOrder = isInOrder && int64_t(block) == i / blocks.size;
  }
  if (!isInOrder) {
    blocks.ofInput = order->integers();
    blocks.ofInput.resize(size_t(blocks.count * blocks.size));
  }
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
  if (Outcome refusal = refuseScale(*scales, "scales", true)) {
    return refusal;
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

/// x with an index for its inputs, and as many of these as the blocks have.
static Value wholeBlocks(Lowering &lowering, const Node &node, Value x,
                         const Blocks &blocks) {
  Emitter &emitter = lowering.emitter;
  x = withIndex(emitter.flat(x, node.inputs[0]), x.rank() - 1);
  x = emitter.stored(x, node.inputs[0]);
  return blocks.count * blocks.size == blocks.inputs ? x
                                                     : emitter.padded(x, "0");
}

/// A value with the dimensions of x, but for the last one.
static Value withLast(const Value &x, const Factors &last, Reader read) {
  Value result;
  result.dims = x.dims;
  result.dims.back() = last;
  result.order.resize(x.rank());
  std::iota(result.order.begin(), result.order.end(), 0);
  result.read = std::move(read);
  return result;
}

/// "r*32 + s": an input of a block.
static Subscript inputOf(const Blocks &blocks) {
  return Subscript::index("r") * blocks.size + Subscript::index("s");
}

/// Scales or zero points [outputs, blocks] as a function of an output; that of
/// an input's block, if inputs are not in order.
static std::function<Expression(const std::string &)>
gridReader(Lowering &lowering, const Constant &grid, const Blocks &blocks,
           const std::string &order) {
  const Reader read =
      lowering.emitter.constantReader(grid, {{blocks.outputs}, {blocks.count}});
  if (order.empty() || grid.isUniform()) {
    return [read](const std::string &output) {
      return read({Subscript::index(output), Subscript::index("r")});
    };
  }
  const Expression block = Expression::element(order, {"r", "s"});
  return [read, block](const std::string &output) {
    return read({Subscript::index(output), Subscript::index(block.text())});
  };
}

/// x times (w - zero) * scale, summed in the order of the inputs.
static Value floatProduct(Lowering &lowering, const Node &node, Value x,
                          const Blocks &blocks) {
  x = wholeBlocks(lowering, node, x, blocks);
  const std::string w = addWeights(lowering, blocks.weights, true);
  std::string order;
  if (!blocks.ofInput.empty()) {
    order = lowering.emitter.program.addIntegers(
        blocks.weights.name + ".block", blocks.ofInput,
        {blocks.count, blocks.size}, narrowestType(0, blocks.count - 1));
  }
  const auto scale = gridReader(lowering, blocks.scales, blocks, order);
  const auto zero = gridReader(lowering, blocks.zeros, blocks, order);
  const auto read = [=](const Subscripts &subscripts) {
    const std::string output = subscripts.back().text();
    Subscripts at = subscripts;
    at.back() = inputOf(blocks);
    const Expression weight = Expression::element(w, {output, "r", "s"});
    return Expression::reduction("sum", {"r", "s"},
                                 x.read(at) *
                                     ((weight - zero(output)) * scale(output)));
  };
  return lowering.emitter.assign(withLast(x, {blocks.outputs}, read),
                                 node.name + "_sum");
}

/// x in blocks of 8 bits, as `quantize_groups` of the layers has it: the codes
/// [..., blocks, inputs of a block] and the scales [..., blocks].
struct BlockCodes {
  Value codes;
  Value scale;
};
static BlockCodes quantizeBlocks(Lowering &lowering, const Node &node,
                                 const Value &x, const Blocks &blocks) {
  Emitter &emitter = lowering.emitter;
  constexpr int64_t most = 127;
  const Factors count = {blocks.count};
  const Value greatest =
      emitter.assign(withLast(x, count,
                              [=](const Subscripts &subscripts) {
                                Subscripts at = subscripts;
                                at.back() = subscripts.back() * blocks.size +
                                            Subscript::index("s");
                                return Expression::reduction(
                                    "max", {"s:" + std::to_string(blocks.size)},
                                    Expression::call("abs", {x.read(at)}));
                              }),
                     node.name + "_greatest");
  const Value inverse = emitter.assign(
      withLast(x, count,
               [=](const Subscripts &at) {
                 const Expression size = greatest.read(at);
                 const Expression none = Expression::real(0);
                 return Expression::call(
                     "select", {size > none, Expression(most) / size, none});
               }),
      node.name + "_inverse");
  const Value scale =
      emitter.assign(withLast(x, count,
                              [=](const Subscripts &at) {
                                return greatest.read(at) / Expression(most);
                              }),
                     node.name + "_scale");
  Value codes = withLast(
      x, {blocks.count, blocks.size}, [=](const Subscripts &subscripts) {
        Subscripts at(subscripts.begin(), subscripts.end() - 1);
        const Expression factor = inverse.read(at);
        at.back() = at.back() * blocks.size + subscripts.back();
        return Expression::call("round", {x.read(at) * factor});
      });
  codes.isInteger = true;
  codes.lowest = -most;
  codes.highest = most;
  return {emitter.store(codes, node.name + "_codes", codes.order), scale};
}

/// The sums of codes in each block times both scales, block by block.
static Value integerProduct(Lowering &lowering, const Node &node, Value x,
                            Blocks &blocks) {
  x = wholeBlocks(lowering, node, x, blocks);
  if (blocks.zeros.isUniform()) {
    for (double &code : blocks.weights.values) {
      code -= blocks.zeros.values.front();
    }
    blocks.zeros = Constant::scalar(0, true);
  }
  blocks.zeros.isInteger = true;
  const BlockCodes of = quantizeBlocks(lowering, node, x, blocks);
  const std::string w = addWeights(lowering, blocks.weights, true);
  const auto scale = gridReader(lowering, blocks.scales, blocks, "");
  const auto zero = gridReader(lowering, blocks.zeros, blocks, "");
  const bool hasZero = !blocks.zeros.isUniform();
  const auto read = [=](const Subscripts &subscripts) {
    const std::string output = subscripts.back().text();
    Subscripts at = subscripts;
    at.back() = Subscript::index("r");
    const Expression step = of.scale.read(at) * scale(output);
    at.push_back(Subscript::index("s"));
    const Expression weight = Expression::element(w, {output, "r", "s"});
    return Expression::reduction(
        "sum", {"r"},
        step * Expression::reduction(
                   "sum", {"s"},
                   of.codes.read(at) *
                       (hasZero ? weight - zero(output) : weight)));
  };
  return lowering.emitter.assign(withLast(x, {blocks.outputs}, read),
                                 node.name + "_sum");
}

/// How x is read, which is said in a note.
enum class Activations { Floats, Codes };
static Activations chooseActivations(Lowering &lowering, const Node &node,
                                     const Blocks &blocks) {
  constexpr int64_t eightBits = 4;
  if (node.integer("accuracy_level", 0) != eightBits) {
    lowering.note(node, "it is computed in binary32");
    return Activations::Floats;
  }
  if (lowering.hasFloatActivations() || !blocks.isOfIntegers()) {
    lowering.note(node, std::string("it is computed in binary32, not with x in "
                                    "8 bits as accuracy_level 4 allows") +
                            (blocks.isOfIntegers()
                                 ? ""
                                 : ": its g_idx or zero points forbid sums of "
                                   "integers"));
    return Activations::Floats;
  }
  lowering.note(node, "x is quantized to 8 bits in blocks of " +
                          std::to_string(blocks.size) +
                          ", as accuracy_level 4 allows; lpgen import "
                          "--float-activations leaves it in binary32");
  return Activations::Codes;
}

static void describeLayer(Lowering &lowering, const Node &node, const Value &x,
                          const Value &result, const Blocks &blocks,
                          Activations activations) {
  Weights weights;
  weights.numbers = blocks.weights;
  weights.isInteger = true;
  addLayer(lowering, node, x, weights, result, blocks.inputs, blocks.weights);
  Layer &row = lowering.emitter.program.report.layers.back();
  const bool isCodes = activations == Activations::Codes;
  const ElementType type = narrowestType(blocks.weights.integers());
  row.declaredWeightBits = unsigned(blocks.bits);
  row.usedWeightBits = type.bits;
  row.declaredInputBits = row.usedInputBits = isCodes ? 8 : 0;
  row.accumulatorBits = 0;
  row.encoding = type.str() + (isCodes ? " x s8" : " x f32");
  row.scales = "group";
}

static Outcome lowerMatMulNBits(Lowering &lowering, const Node &node) {
  const Value x = lowering.emitter.real(lowering.input(node, 0));
  Blocks blocks;
  Outcome refusal = readSizes(node, x, blocks);
  refusal = refusal ? refusal : readBlocks(lowering, node, blocks);
  refusal = refusal ? refusal : readOrder(lowering, node, blocks);
  if (refusal) {
    return refusal;
  }
  const Activations activations = chooseActivations(lowering, node, blocks);
  Value result = activations == Activations::Codes
                     ? integerProduct(lowering, node, x, blocks)
                     : floatProduct(lowering, node, x, blocks);
  describeLayer(lowering, node, x, result, blocks, activations);
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
