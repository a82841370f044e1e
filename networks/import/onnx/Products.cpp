// Convolutions and matrix products.
#include "networks/import/onnx/Products.h"
#include "base/tensor/Tensor.h"
#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

namespace lpgen::importer::onnx {

using builder::Expression;

std::string tapName(size_t i) {
  static const std::array<std::string, 3> names = {"r", "s", "t"};
  return names[i % names.size()];
}

Subscript windowSubscript(const Window &window, size_t i,
                          const std::string &place, const std::string &tap) {
  return Subscript::index(place) * window.strides[i] +
         Subscript::index(tap) * window.dilations[i] +
         Subscript(-window.begins[i]);
}

namespace {
/// Weights as integers with one scale for each output, or as floats.
struct Weights {
  Constant numbers;
  bool isInteger = false;
  std::optional<Constant> scale; ///< Of one element or one for each output.
};
} // namespace

/// `dim` is that of the outputs.
static Weights prepareWeights(Lowering &lowering, const Value &weights,
                              size_t dim, bool isInputInteger) {
  Weights result;
  const std::optional<Quantization> &quantization = weights.quantization;
  const bool isGrid = quantization && (quantization->scale.isUniform() ||
                                       quantization->scale.count() ==
                                           quantization->scale.shape[dim]);
  if (isInputInteger && weights.isInteger && (isGrid || !quantization)) {
    result.numbers = *weights.constant;
    result.isInteger = true;
    if (quantization) {
      size_t i = 0;
      forEachElement(result.numbers.shape, [&](const Extents &indices) {
        result.numbers.values[i++] -= quantization->zero.broadcastAt(indices);
      });
      result.scale =
          quantization->scale.isUniform()
              ? Constant::scalar(quantization->scale.values[0])
              : quantization->scale.reshaped({quantization->scale.count()});
    }
    return result;
  }
  result.numbers = *lowering.emitter.real(weights).constant;
  // Integers in a tensor of floats.
  result.isInteger = isInputInteger && result.numbers.isIntegral();
  result.numbers.isInteger = result.isInteger;
  return result;
}

/// x can be multiplied as integers: it has one scale and one zero point.
static bool isUniformGrid(const Value &x) {
  return x.isInteger &&
         (!x.quantization || (x.quantization->scale.isUniform() &&
                              x.quantization->zero.isUniform()));
}

static int64_t zeroOf(const Value &x) {
  return x.quantization ? int64_t(x.quantization->zero.values[0]) : 0;
}

/// The least and the greatest sum of any output; `perOutput` weights of each
/// stand together.
static void boundSums(const Constant &weights, int64_t perOutput,
                      const Value &x, Value &sums) {
  const double zero = double(zeroOf(x));
  const double lowest = std::min(double(x.lowest) - zero, 0.0);
  const double highest = std::max(double(x.highest) - zero, 0.0);
  double least = 0;
  double most = 0;
  for (int64_t o = 0; o < weights.count(); o += perOutput) {
    double down = 0;
    double up = 0;
    for (int64_t i = o; i < o + perOutput; ++i) {
      const double w = weights.values[size_t(i)];
      down += std::min(w * lowest, w * highest);
      up += std::max(w * lowest, w * highest);
    }
    least = std::min(least, down);
    most = std::max(most, up);
  }
  sums.lowest = int64_t(std::max(least, -0x1p62));
  sums.highest = int64_t(std::min(most, 0x1p62));
}

/// The scale of the sums, along dimension `dim`.
static std::optional<Quantization>
scaleOfSums(const Value &x, const Weights &weights, size_t dim, size_t rank) {
  if (!x.quantization && !weights.scale) {
    return std::nullopt;
  }
  const float sx =
      x.quantization ? float(x.quantization->scale.values[0]) : 1.0F;
  Constant scale = weights.scale.value_or(Constant::scalar(1));
  for (double &s : scale.values) {
    s = sx * float(s);
  }
  Extents shape(rank, 1);
  shape[dim] = scale.count();
  scale.shape = std::move(shape);
  scale.name.clear();
  Constant zero = Constant::scalar(0, true);
  zero.shape.assign(rank, 1);
  return Quantization{std::move(scale), std::move(zero)};
}

static unsigned bitsFor(const Value &value) {
  return value.isInteger ? storageType(value).bits : 0;
}

/// "[n, 64, 28, 28]"
static std::string shapeText(const Extents &shape) {
  std::string text;
  for (const int64_t extent : shape) {
    text += (text.empty() ? "" : ", ") +
            (extent == batchExtent ? "n" : std::to_string(extent));
  }
  return "[" + text + "]";
}

static void addLayer(Lowering &lowering, const Node &node, const Value &x,
                     const Weights &weights, const Value &result,
                     int64_t perOutput, const Constant &declared) {
  Extents shape = result.shape();
  Layer layer{.name = node.name,
              .operation = node.fullName(),
              .shape = shapeText(shape),
              .macs =
                  toInteger(double(elementCount(shape)) * double(perOutput)),
              .weights = weights.numbers.count()};
  ElementType type = {Encoding::Float, 32};
  if (weights.isInteger) {
    type = narrowestType(weights.numbers.integers());
    layer.declaredWeightBits = declared.isInteger ? declared.bits : 32;
    layer.usedWeightBits = type.bits;
    layer.declaredInputBits = bitsFor(x);
    layer.usedInputBits = layer.declaredInputBits;
    layer.accumulatorBits = narrowestType(result.lowest, result.highest).bits;
    layer.scales = !weights.scale                ? ""
                   : weights.scale->count() == 1 ? "tensor"
                                                 : "channel";
  } else {
    lowering.note(node, "it is computed in binary32: its input or its weights "
                        "are not quantized");
  }
  layer.encoding = type.str() + " x " + storageType(x).str();
  lowering.emitter.program.report.layers.push_back(std::move(layer));
}

/// x - zero, as integers.
static Expression centred(const Expression &element, const Value &x) {
  const int64_t zero = zeroOf(x);
  return zero == 0 ? element : element - zero;
}

Outcome readWindow(const Node &node, const Value &value,
                   std::vector<int64_t> kernel, Window &window) {
  const size_t rank = value.rank() - 2;
  window.kernel = std::move(kernel);
  window.strides = node.integers("strides", std::vector<int64_t>(rank, 1));
  window.dilations = node.integers("dilations", std::vector<int64_t>(rank, 1));
  std::vector<int64_t> pads =
      node.integers("pads", std::vector<int64_t>(2 * rank, 0));
  const std::string automatic = node.text("auto_pad", "NOTSET");
  constexpr int64_t most = 1 << 20;
  const auto isBad = [](const std::vector<int64_t> &numbers, size_t count,
                        int64_t least) {
    return numbers.size() != count ||
           std::ranges::any_of(
               numbers, [&](int64_t n) { return n < least || n > most; });
  };
  if (isBad(window.kernel, rank, 1) || isBad(window.strides, rank, 1) ||
      isBad(window.dilations, rank, 1) || isBad(pads, 2 * rank, 0)) {
    return Refusal{"kernel_shape, strides, dilations or pads",
                   "there is not one for each dimension of the image, or one "
                   "is out of range",
                   ""};
  }
  const bool isCeil = node.integer("ceil_mode", 0) != 0;
  for (size_t i = 0; i < rank; ++i) {
    const int64_t extent = value.extent(i + 2);
    const int64_t reach = window.dilations[i] * (window.kernel[i] - 1) + 1;
    const int64_t stride = window.strides[i];
    if (automatic == "SAME_UPPER" || automatic == "SAME_LOWER") {
      const int64_t outputs = (extent + stride - 1) / stride;
      const int64_t all =
          std::max<int64_t>((outputs - 1) * stride + reach - extent, 0);
      pads[i] = automatic == "SAME_UPPER" ? all / 2 : all - all / 2;
      pads[rank + i] = all - pads[i];
    } else if (automatic == "VALID") {
      pads[i] = pads[rank + i] = 0;
    } else if (automatic != "NOTSET") {
      return Refusal{"auto_pad", "'" + automatic + "' is not known", ""};
    }
    const int64_t span = extent + pads[i] + pads[rank + i] - reach;
    if (span < 0) {
      return Refusal{"kernel_shape", "the window is larger than the image", ""};
    }
    int64_t outputs = span / stride + 1;
    if (isCeil && span % stride != 0 && outputs * stride < extent + pads[i]) {
      ++outputs;
    }
    window.begins.push_back(pads[i]);
    window.outputs.push_back(outputs);
    window.readsOutside = window.readsOutside || pads[i] > 0 ||
                          (outputs - 1) * stride + reach - pads[i] > extent;
  }
  return std::nullopt;
}

/// Weights [outputs, channels, ...] with groups, channels cut into the factors
/// that x has, taps before channels.
static Constant arrangeWeights(const Constant &weights, int64_t groups,
                               const Factors &channels, size_t spatial) {
  Extents shape = {groups, weights.shape[0] / groups};
  shape.insert(shape.end(), channels.begin(), channels.end());
  shape.insert(shape.end(), weights.shape.begin() + 2, weights.shape.end());
  std::vector<int> order = {0, 1};
  for (size_t i = 0; i < spatial; ++i) {
    order.push_back(int(2 + channels.size() + i));
  }
  for (size_t i = 0; i < channels.size(); ++i) {
    order.push_back(int(2 + i));
  }
  Constant result = weights.reshaped(shape).transposed(order);
  // No dimension of extent 1 for groups, outputs and channels.
  Extents kept;
  for (size_t d = 0; d < result.shape.size(); ++d) {
    const bool isTap = d >= 2 && d < 2 + spatial;
    if (isTap || result.shape[d] != 1) {
      kept.push_back(result.shape[d]);
    }
  }
  result.shape = kept;
  return result;
}

static std::string addWeights(Lowering &lowering, const Constant &numbers,
                              bool isInteger) {
  Program &program = lowering.emitter.program;
  const std::string name = numbers.name.empty() ? "weights" : numbers.name;
  return isInteger
             ? program.addIntegers(name, numbers.integers(), numbers.shape,
                                   narrowestType(numbers.integers()))
             : program.addFloats(name, numbers.floats(), numbers.shape);
}

Outcome convolve(Lowering &lowering, const Node &node, const Value &input,
                 const Value &kernel, Value &result) {
  if (!kernel.constant || input.rank() < 3 || kernel.rank() != input.rank()) {
    return Refusal{"W",
                   "the weights are not known, or their rank is not that "
                   "of the input",
                   "export the model with its weights inside"};
  }
  const size_t spatial = input.rank() - 2;
  const int64_t groups = node.integer("group", 1);
  const Extents shape = kernel.constant->shape;
  if (groups < 1 || groups > shape[0] || shape[0] % groups != 0 ||
      shape[1] * groups != input.extent(1)) {
    return Refusal{"group",
                   "the weights " + shapeToString(shape) + " do not fit " +
                       std::to_string(input.extent(1)) + " channels in " +
                       std::to_string(groups) + " groups",
                   ""};
  }
  Window window;
  if (Outcome refusal =
          readWindow(node, input, {shape.begin() + 2, shape.end()}, window)) {
    return refusal;
  }
  Emitter &emitter = lowering.emitter;
  const bool isInteger = isUniformGrid(input);
  Weights weights = prepareWeights(lowering, kernel, 0, isInteger);
  Value x = isInteger && weights.isInteger ? input : emitter.real(input);
  // One index for each dimension that the window moves in.
  const bool isSplit =
      (groups > 1 && x.dims[1].size() > 1) ||
      std::any_of(x.dims.begin() + 2, x.dims.end(),
                  [](const Factors &f) { return f.size() > 1; });
  const std::vector<int> order = channelsLast(x.rank());
  x = isSplit ? emitter.flat(x, node.inputs[0]) : x;
  for (size_t i = 0; i < spatial; ++i) {
    x = window.kernel[i] > 1 ? withIndex(x, i + 2) : x;
  }
  x = emitter.stored(x, node.inputs[0], order);
  if (window.readsOutside) {
    x = emitter.padded(x, weights.isInteger ? std::to_string(zeroOf(x)) : "0");
  }
  const int64_t perGroup = shape[1];
  const Factors channels = groups > 1 ? Factors{perGroup} : x.dims[1];
  const Constant numbers =
      arrangeWeights(weights.numbers, groups, channels, spatial);
  const std::string w = addWeights(lowering, numbers, weights.isInteger);

  // The result: images, groups and outputs of each, places of the window.
  result = Value();
  result.dims.push_back(x.dims[0]);
  Factors outputs;
  if (groups > 1) {
    outputs.push_back(groups);
  }
  if (shape[0] / groups > 1) {
    outputs.push_back(shape[0] / groups);
  }
  result.dims.push_back(outputs);
  for (const int64_t places : window.outputs) {
    result.dims.push_back(places == 1 ? Factors{} : Factors{places});
  }
  result.order = order;
  result.isInteger = weights.isInteger;
  result.operations = 1;
  result.read = [=, dims = result.dims,
                 isInteger = weights.isInteger](const Subscripts &subscripts) {
    Subscripts at; // of x, dimension by dimension
    size_t next = 0;
    for (size_t i = 0; i < dims[0].size(); ++i) {
      at.push_back(subscripts[next++]);
    }
    std::vector<std::string> weightAt;
    Subscript group = 0;
    if (groups > 1) {
      group = subscripts[next++];
      weightAt.push_back(group.text());
    }
    if (shape[0] / groups > 1) {
      weightAt.push_back(subscripts[next++].text());
    }
    std::vector<std::string> bounds;
    std::vector<std::string> channelNames;
    for (size_t i = 0; i < channels.size(); ++i) {
      channelNames.push_back(i == 0 ? "k" : "k" + std::to_string(i));
    }
    if (groups > 1) {
      at.push_back(perGroup == 1 ? group
                                 : group * perGroup + Subscript::index("k"));
    } else {
      for (const std::string &name : channelNames) {
        at.push_back(Subscript::index(name));
      }
    }
    for (size_t i = 0; i < spatial; ++i) {
      const bool isOne = dims[i + 2].empty();
      const Subscript tap = Subscript::index(tapName(i));
      const Subscript place =
          (isOne ? Subscript(0) : subscripts[next++] * window.strides[i]) +
          tap * window.dilations[i] + Subscript(-window.begins[i]).partial();
      if (!x.dims[i + 2].empty()) {
        at.push_back(place);
      }
      bounds.push_back(tapName(i));
      weightAt.push_back(tapName(i));
    }
    for (size_t i = 0; i < channels.size(); ++i) {
      if (channels[i] != 1) {
        bounds.push_back(channelNames[i]);
        weightAt.push_back(channelNames[i]);
      }
    }
    const Expression element = isInteger ? centred(x.read(at), x) : x.read(at);
    return Expression::reduction("sum", bounds,
                                 element * Expression::element(w, weightAt));
  };
  const int64_t taps =
      std::accumulate(window.kernel.begin(), window.kernel.end(), int64_t{1},
                      std::multiplies<>());
  if (weights.isInteger) {
    boundSums(weights.numbers, perGroup * taps, x, result);
    result.quantization = scaleOfSums(x, weights, 1, x.rank());
  }
  addLayer(lowering, node, x, weights, result, perGroup * taps,
           *kernel.constant);
  result = emitter.assign(result, node.name + "_sum");
  return std::nullopt;
}

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
    boundSums(numbers, inputs, x, result);
    result.quantization = scaleOfSums(x, weights, x.rank() - 1, x.rank());
  }
  addLayer(lowering, node, x, weights, result, inputs, *matrix.constant);
  result = emitter.assign(result, node.name + "_sum");
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
  const std::vector<Value> operands = {
      isExact ? result : emitter.real(result),
      constantValue(alongDim(numbers, dim, result.rank()))};
  Value sum = *emitter.elementwise(
      operands, [](std::span<const Expression> e) { return e[0] + e[1]; });
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
  Outcome refusal = convolve(lowering, node, lowering.input(node, 0),
                             lowering.input(node, 1), result);
  if (!refusal && node.hasInput(2)) {
    refusal = addBias(lowering, lowering.input(node, 2), 1, result);
  }
  if (!refusal) {
    lowering.define(node, std::move(result));
  }
  return refusal;
}

static Outcome lowerMatMul(Lowering &lowering, const Node &node) {
  Value result;
  const Outcome refusal = multiply(lowering, node, lowering.input(node, 0),
                                   lowering.input(node, 1), result);
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
    if (Outcome refusal = addBias(lowering, bias, 1, result)) {
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
      {"MatMul", lowerMatMul, "", 2},
      {"Gemm", lowerGemm, "alpha beta transA transB", 2},
  };
  return rules;
}

} // namespace lpgen::importer::onnx
