// Matrix products, biases, and the operators with weights.
#include "networks/import/onnx/Products.h"
#include "networks/import/onnx/Movement.h"
#include "networks/import/onnx/Weights.h"
#include <cmath>
#include <numeric>

namespace lpgen::importer::onnx {

using builder::Expression;

Outcome multiply(Lowering &lowering, const Node &node, const Value &input,
                 const Value &matrix, Value &result) {
  if (!matrix.constant || matrix.rank() != 2 || input.rank() < 1 ||
      matrix.constant->shape[0] != input.extent(input.rank() - 1)) {
    return Refusal{"B",
                   "it is no known matrix with as many rows as the input "
                   "has columns",
                   "export the model with its weights inside"};
  }
  Emitter &emitter = lowering.emitter;
  const bool isInteger = isUniformGrid(input);
  Weights weights = prepareWeights(lowering, matrix, 1, isInteger);
  Value x = isInteger && weights.isInteger ? input : emitter.real(input);
  x = emitter.stored(x, node.inputs[0]);
  const int64_t outputs = matrix.constant->shape[1];
  const int64_t inputs = matrix.constant->shape[0];
  const Factors factors = x.dims.back();
  // [outputs, inputs...]
  Constant numbers = weights.numbers.transposed({1, 0});
  Extents shape = factors;
  if (outputs > 1) {
    shape.insert(shape.begin(), outputs);
  }
  const std::string w =
      addWeights(lowering, numbers.reshaped(shape), weights.isInteger);
  result = Value();
  result.dims = x.dims;
  result.dims.back() = outputs == 1 ? Factors{} : Factors{outputs};
  result.order.resize(x.rank());
  std::iota(result.order.begin(), result.order.end(), 0);
  result.isInteger = weights.isInteger;
  result.operations = 1;
  result.read = [=,
                 isInteger = weights.isInteger](const Subscripts &subscripts) {
    Subscripts at = subscripts;
    std::vector<std::string> weightAt;
    if (outputs > 1) {
      weightAt.push_back(at.back().text());
      at.pop_back();
    }
    std::vector<std::string> bounds;
    for (size_t i = 0; i < factors.size(); ++i) {
      bounds.push_back(i == 0 ? "k" : "k" + std::to_string(i));
      at.push_back(Subscript::index(bounds.back()));
      weightAt.push_back(bounds.back());
    }
    const Expression element = isInteger ? centred(x.read(at), x) : x.read(at);
    const Expression product =
        element * (weightAt.empty() ? Expression::scalar(w)
                                    : Expression::element(w, weightAt));
    return bounds.empty() ? product
                          : Expression::reduction("sum", bounds, product);
  };
  if (weights.isInteger) {
    if (Outcome refusal = boundSums(numbers, inputs, x, result)) {
      return refusal;
    }
    result.quantization = scaleOfSums(x, weights, x.rank() - 1, x.rank());
  }
  result = emitter.assign(result, node.name + "_sum");
  addLayer(lowering, node, x, weights, result, inputs, *matrix.constant);
  return std::nullopt;
}

/// The bias in steps of the sums, if it has that scale but for rounding.
static bool isOnGrid(const Value &bias, const Value &sums) {
  if (!bias.isInteger || !bias.constant) {
    return false;
  }
  if (!bias.quantization || !sums.quantization) {
    return !bias.quantization && !sums.quantization;
  }
  const std::vector<double> &a = bias.quantization->scale.values;
  const std::vector<double> &b = sums.quantization->scale.values;
  if ((a.size() != b.size() && a.size() != 1 && b.size() != 1) ||
      !bias.quantization->zero.isUniform() ||
      bias.quantization->zero.values[0] != 0) {
    return false;
  }
  for (size_t i = 0; i < std::max(a.size(), b.size()); ++i) {
    if (std::abs(a[a.size() == 1 ? 0 : i] / b[b.size() == 1 ? 0 : i] - 1) >
        1e-6) {
      return false;
    }
  }
  return true;
}

Outcome addBias(Lowering &lowering, const Value &bias, size_t dim,
                Value &result) {
  Emitter &emitter = lowering.emitter;
  if (!bias.constant || (bias.constant->count() != 1 &&
                         bias.constant->count() != result.extent(dim))) {
    return Refusal{"B", "the bias is not known, or not one for each output",
                   ""};
  }
  Value integers = bias;
  if (!bias.quantization && result.isInteger && !result.quantization &&
      bias.constant->isIntegral()) {
    integers.isInteger = true;
    integers.constant->isInteger = true;
  }
  const bool isExact = isOnGrid(integers, result);
  Constant numbers =
      isExact ? *integers.constant : *emitter.real(bias).constant;
  if (numbers.isUniform() && numbers.values[0] == 0) {
    return std::nullopt;
  }
  const auto [lowest, highest] = rangeOf(numbers);
  Value sum = *emitter.applied(isExact ? result : emitter.real(result),
                               ChainOperation::Add,
                               alongDim(numbers, dim, result.rank()));
  if (isExact) {
    sum.isInteger = true;
    sum.lowest = result.lowest + int64_t(lowest);
    sum.highest = result.highest + int64_t(highest);
    sum.quantization = result.quantization;
  }
  result = std::move(sum);
  return std::nullopt;
}

static Outcome lowerConv(Lowering &lowering, const Node &node) {
  Value result;
  const auto product =
      node.operation == "ConvTranspose" ? convolveTransposed : convolve;
  Outcome refusal = product(lowering, node, lowering.input(node, 0),
                            lowering.input(node, 1), result);
  if (!refusal && node.hasInput(2)) {
    refusal = addBias(lowering, lowering.input(node, 2), 1, result);
  }
  if (!refusal) {
    lowering.define(node, std::move(result));
  }
  return refusal;
}

/// alpha * x, unless it is 1.
static Value scaled(Lowering &lowering, const Value &value, float factor) {
  if (factor == 1) {
    return value;
  }
  const Value real = lowering.emitter.real(value);
  if (real.constant) {
    Constant constant = *real.constant;
    constant.isInteger = false;
    for (double &v : constant.values) {
      v = float(v) * factor;
    }
    return constantValue(std::move(constant));
  }
  return *lowering.emitter.elementwise(std::span(&real, 1),
                                       [factor](std::span<const Expression> e) {
                                         return e[0] * Expression::real(factor);
                                       });
}

/// C of a Gemm: one for each output, or any other that is broadcast.
static Outcome addMatrix(Lowering &lowering, const Value &c, Value &result) {
  const bool isRow =
      c.constant && (c.constant->count() == 1 ||
                     c.extent(c.rank() - 1) == c.constant->count());
  if (isRow) {
    return addBias(lowering, c, 1, result);
  }
  const std::vector<Value> operands = {lowering.emitter.real(result),
                                       lowering.emitter.real(c)};
  std::optional<Value> sum = lowering.emitter.elementwise(
      operands, [](std::span<const Expression> e) { return e[0] + e[1]; });
  if (!sum || sum->shape() != result.shape()) {
    return notBroadcast();
  }
  result = std::move(*sum);
  return std::nullopt;
}

static Outcome lowerGemm(Lowering &lowering, const Node &node) {
  Value x = lowering.input(node, 0);
  Value matrix = lowering.input(node, 1);
  if (x.rank() != 2 || matrix.rank() != 2) {
    return Refusal{"", "its inputs are no matrices", ""};
  }
  x = node.integer("transA", 0) != 0 ? transpose(x, {1, 0}) : x;
  if (!std::isfinite(node.real("alpha", 1)) ||
      !std::isfinite(node.real("beta", 1))) {
    return Refusal{"alpha", "it or beta is not finite", ""};
  }
  matrix = node.integer("transB", 0) != 0 ? transpose(matrix, {1, 0}) : matrix;
  Value result;
  if (Outcome refusal = multiply(lowering, node, x, matrix, result)) {
    return refusal;
  }
  result = scaled(lowering, result, node.real("alpha", 1));
  if (node.hasInput(2)) {
    const Value bias =
        scaled(lowering, lowering.input(node, 2), node.real("beta", 1));
    if (Outcome refusal = addMatrix(lowering, bias, result)) {
      return refusal;
    }
  }
  lowering.define(node, std::move(result));
  return std::nullopt;
}

std::span<const Rule> productRules() {
  static constexpr Rule rules[] = {
      {"Conv", lowerConv,
       "auto_pad dilations group kernel_shape pads strides channels_last", 2},
      {"ConvTranspose", lowerConv,
       "auto_pad dilations group kernel_shape output_padding output_shape pads "
       "strides",
       2},
      {"Gemm", lowerGemm, "alpha beta transA transB", 2},
  };
  return rules;
}

} // namespace lpgen::importer::onnx
