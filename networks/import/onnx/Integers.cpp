// Operators whose inputs and outputs are integers, each with its scale and zero
// point among the inputs: QLinearConv and its like.
//
// Sums are exact. A result is round(sum * (sx * sw / sy)) + zy with the factor
// in binary32, or round(real / sy) + zy where real is a sum of two products.
#include "networks/import/onnx/Products.h"
#include "networks/import/onnx/Quantizers.h"

namespace lpgen::importer::onnx {

using builder::Expression;

/// A vector of one element is a scalar.
static Constant asScalar(const Constant &constant) {
  return constant.count() == 1 ? constant.reshaped({}) : constant;
}

/// Input i with the scale i + 1 and the zero point i + 2.
static Outcome gridInput(Lowering &lowering, const Node &node, size_t i,
                         size_t dim, Value &value) {
  value = lowering.input(node, i);
  const std::optional<Constant> scale = lowering.constantInput(node, i + 1);
  const std::optional<Constant> zero = node.hasInput(i + 2)
                                           ? lowering.constantInput(node, i + 2)
                                           : Constant::scalar(0, true);
  if (!value.isInteger || !scale || !zero) {
    return Refusal{node.inputs[i],
                   "it is not of integers with a known scale and zero point",
                   ""};
  }
  if (Outcome refusal = refuseScale(*scale, node.inputs[i + 1], true)) {
    return refusal;
  }
  const auto shaped = [&](const Constant &constant) {
    Extents shape(value.rank(), 1);
    if (constant.count() > 1 && dim < shape.size()) {
      shape[dim] = constant.count();
    }
    return constant.reshaped(shape);
  };
  for (const std::optional<Constant> &each : {scale, zero}) {
    if (each->count() != 1 &&
        (dim >= value.rank() || each->count() != value.extent(dim))) {
      return Refusal{node.inputs[i],
                     "it has not one scale or zero point for "
                     "each output",
                     ""};
    }
  }
  value.quantization = Quantization{shaped(*scale), shaped(*zero)};
  value.quantization->zero.isInteger = true;
  return std::nullopt;
}

/// The grid of the result, whose scale is input i and zero point input i + 1.
static Outcome outputGrid(Lowering &lowering, const Node &node, size_t i,
                          Grid &grid) {
  const std::optional<Constant> scale = lowering.constantInput(node, i);
  const std::optional<Constant> zero = lowering.constantInput(node, i + 1);
  if (!scale || scale->count() != 1 || (zero && zero->count() != 1) ||
      (node.hasInput(i + 1) && !zero)) {
    return Refusal{"y_scale", "it or the zero point is not one known number",
                   ""};
  }
  if (Outcome refusal = refuseScale(*scale, "y_scale", false)) {
    return refusal;
  }
  const bool isSigned = zero && zero->isSigned;
  grid = {.scale = asScalar(*scale),
          .zero = zero ? asScalar(*zero) : Constant::scalar(0, true),
          .bits = zero ? zero->bits : 8,
          .lowest = isSigned ? -128 : 0,
          .highest = isSigned ? 127 : 255,
          .isRoundedFirst = true};
  grid.zero.isInteger = true;
  return grid.bits == 8
             ? Outcome()
             : Refusal{"y_zero_point", "its type is not of 8 bits", ""};
}

/// The sums of a product on another grid: their scale and that of the result
/// become one factor.
static Outcome requantize(Lowering &lowering, const Node &node, Value sums,
                          Grid grid) {
  if (sums.quantization) {
    for (double &s : sums.quantization->scale.values) {
      s = float(s) / float(grid.scale.values[0]);
    }
    sums.quantization->scale.name = node.name + "_factor";
    grid.scale = Constant::scalar(1);
  }
  std::optional<Value> result =
      quantize(lowering, sums, grid, node.outputs[0], true);
  if (!result) {
    return notBroadcast();
  }
  lowering.define(node, std::move(*result));
  return std::nullopt;
}

static Outcome lowerQLinearConv(Lowering &lowering, const Node &node) {
  Value x;
  Value w;
  Value sums;
  Grid grid;
  Outcome refusal = gridInput(lowering, node, 0, SIZE_MAX, x);
  refusal = refusal ? refusal : gridInput(lowering, node, 3, 0, w);
  refusal = refusal ? refusal : outputGrid(lowering, node, 6, grid);
  refusal = refusal ? refusal : convolve(lowering, node, x, w, sums);
  if (!refusal && node.hasInput(8)) {
    // Integers of the scale of the sums.
    Value bias = lowering.input(node, 8);
    bias.quantization = sums.quantization;
    refusal = addBias(lowering, bias, 1, sums);
  }
  return refusal ? refusal : requantize(lowering, node, sums, grid);
}

static Outcome lowerQLinearMatMul(Lowering &lowering, const Node &node) {
  Value x;
  Value w;
  Value sums;
  Grid grid;
  Outcome refusal = gridInput(lowering, node, 0, SIZE_MAX, x);
  refusal = refusal ? refusal : gridInput(lowering, node, 3, 1, w);
  refusal = refusal ? refusal : outputGrid(lowering, node, 6, grid);
  refusal = refusal ? refusal : multiply(lowering, node, x, w, sums);
  return refusal ? refusal : requantize(lowering, node, sums, grid);
}

static Outcome lowerQGemm(Lowering &lowering, const Node &node) {
  const bool isTransposed = node.integer("transB", 0) != 0;
  Value x;
  Value w;
  Value sums;
  Grid grid;
  Outcome refusal = gridInput(lowering, node, 0, SIZE_MAX, x);
  refusal =
      refusal ? refusal : gridInput(lowering, node, 3, isTransposed ? 0 : 1, w);
  if (!refusal && (node.integer("transA", 0) != 0 ||
                   node.real("alpha", 1) != 1 || !node.hasInput(7))) {
    refusal = Refusal{"alpha",
                      "only the product itself with an integer result "
                      "is supported",
                      ""};
  }
  refusal = refusal ? refusal : outputGrid(lowering, node, 7, grid);
  if (refusal) {
    return refusal;
  }
  w = isTransposed ? transpose(w, {1, 0}) : w;
  refusal = multiply(lowering, node, x, w, sums);
  if (!refusal && node.hasInput(6)) {
    Value bias = lowering.input(node, 6);
    bias.quantization = sums.quantization;
    refusal = addBias(lowering, bias, 1, sums);
  }
  return refusal ? refusal : requantize(lowering, node, sums, grid);
}

/// round((a + b) / sy) + zy, or of the product.
static Outcome lowerQLinearBinary(Lowering &lowering, const Node &node,
                                  bool isProduct) {
  Value a;
  Value b;
  Grid grid;
  Outcome refusal = gridInput(lowering, node, 0, SIZE_MAX, a);
  refusal = refusal ? refusal : gridInput(lowering, node, 3, SIZE_MAX, b);
  refusal = refusal ? refusal : outputGrid(lowering, node, 6, grid);
  if (refusal) {
    return refusal;
  }
  const std::vector<Value> operands = {lowering.emitter.real(a),
                                       lowering.emitter.real(b)};
  const std::optional<Value> result = lowering.emitter.elementwise(
      operands, [isProduct](std::span<const Expression> e) {
        return isProduct ? e[0] * e[1] : e[0] + e[1];
      });
  return result ? requantize(lowering, node, *result, grid) : notBroadcast();
}
static Outcome lowerQLinearAdd(Lowering &lowering, const Node &node) {
  return lowerQLinearBinary(lowering, node, false);
}
static Outcome lowerQLinearMul(Lowering &lowering, const Node &node) {
  return lowerQLinearBinary(lowering, node, true);
}

/// "QLinearSoftmax" is Softmax of real numbers between a DequantizeLinear and a
/// QuantizeLinear; the result's scale is input 3.
static Outcome lowerThroughReals(Lowering &lowering, const Node &node) {
  Value x;
  Grid grid;
  Outcome refusal = gridInput(lowering, node, 0, SIZE_MAX, x);
  refusal = refusal ? refusal : outputGrid(lowering, node, 3, grid);
  if (refusal) {
    return refusal;
  }
  constexpr size_t prefix = std::string_view("QLinear").size();
  Value real;
  refusal = lowering.lowerInner(node, node.operation.substr(prefix), x, real);
  return refusal ? refusal : requantize(lowering, node, real, grid);
}

/// x and w with zero points and without scales: the sums are the result.
static Outcome integerInputs(Lowering &lowering, const Node &node, Value &x,
                             Value &w, size_t dim) {
  x = lowering.input(node, 0);
  w = lowering.input(node, 1);
  for (size_t i = 0; i < 2; ++i) {
    Value &value = i == 0 ? x : w;
    std::optional<Constant> zero = Constant::scalar(0, true);
    if (node.hasInput(i + 2)) {
      zero = lowering.constantInput(node, i + 2);
    }
    if (!value.isInteger || !zero ||
        (zero->count() != 1 &&
         (i == 0 || zero->count() != value.extent(dim)))) {
      return Refusal{node.inputs[i],
                     "it is not of integers, or its zero point "
                     "is not known",
                     ""};
    }
    Extents shape(value.rank(), 1);
    if (zero->count() > 1) {
      shape[dim] = zero->count();
    }
    value.quantization =
        Quantization{Constant::scalar(1).reshaped(Extents(value.rank(), 1)),
                     zero->reshaped(shape)};
  }
  return std::nullopt;
}

using Product = Outcome(Lowering &, const Node &, const Value &, const Value &,
                        Value &);

/// Sums of integers that stay integers; `dim` of the weights is that of the
/// outputs.
static Outcome lowerIntegerProduct(Lowering &lowering, const Node &node,
                                   size_t dim, Product &product) {
  Value x;
  Value w;
  Value sums;
  Outcome refusal = integerInputs(lowering, node, x, w, dim);
  refusal = refusal ? refusal : product(lowering, node, x, w, sums);
  if (!refusal) {
    lowering.define(node, lowering.emitter.real(sums));
  }
  return refusal;
}
static Outcome lowerConvInteger(Lowering &lowering, const Node &node) {
  return lowerIntegerProduct(lowering, node, 0, convolve);
}
static Outcome lowerMatMulInteger(Lowering &lowering, const Node &node) {
  return lowerIntegerProduct(lowering, node, 1, multiply);
}

/// Parts on their own grids, each written on that of the result.
static Outcome lowerQLinearConcat(Lowering &lowering, const Node &node) {
  Grid grid;
  if (Outcome refusal = outputGrid(lowering, node, 0, grid)) {
    return refusal;
  }
  std::vector<Value> parts;
  for (size_t i = 2; i + 2 < node.inputs.size(); i += 3) {
    Value part;
    if (Outcome refusal = gridInput(lowering, node, i, SIZE_MAX, part)) {
      return refusal;
    }
    const bool isSame = part.quantization->scale.values == grid.scale.values &&
                        part.quantization->zero.values == grid.zero.values;
    if (isSame) {
      part.quantization.reset();
    } else {
      part = *quantize(lowering, part, grid, node.inputs[i] + ".scaled", true);
    }
    parts.push_back(std::move(part));
  }
  int64_t axis = node.integer("axis", 1);
  axis += axis < 0 && !parts.empty() ? int64_t(parts[0].rank()) : 0;
  if (parts.empty() || axis < 0 || axis >= int64_t(parts[0].rank())) {
    return Refusal{"axis", "it is out of range", ""};
  }
  Value result;
  Outcome refusal = concatenate(lowering, node, parts, size_t(axis), result);
  if (!refusal) {
    lowering.define(node, std::move(result));
  }
  return refusal;
}

std::span<const Rule> integerRules() {
  static constexpr Rule rules[] = {
      {"QLinearConv", lowerQLinearConv,
       "auto_pad dilations group kernel_shape pads strides channels_last", 8},
      {"QLinearMatMul", lowerQLinearMatMul, "", 8},
      {"QGemm", lowerQGemm, "alpha transA transB", 6},
      {"QLinearAdd", lowerQLinearAdd, "", 7},
      {"QLinearMul", lowerQLinearMul, "", 7},
      {"QLinearConcat", lowerQLinearConcat, "axis", 5},
      {"QLinearAveragePool", lowerThroughReals,
       "auto_pad ceil_mode count_include_pad channels_last kernel_shape pads "
       "strides",
       4},
      {"QLinearGlobalAveragePool", lowerThroughReals, "channels_last", 4},
      {"QLinearSoftmax", lowerThroughReals, "axis opset", 4},
      {"QLinearSigmoid", lowerThroughReals, "", 4},
      {"QLinearReduceMean", lowerThroughReals, "axes keepdims", 4},
      {"QLinearLeakyRelu", lowerThroughReals, "alpha", 4},
      {"ConvInteger", lowerConvInteger,
       "auto_pad dilations group kernel_shape pads strides", 2},
      {"MatMulInteger", lowerMatMulInteger, "", 2},
  };
  return rules;
}

} // namespace lpgen::importer::onnx
