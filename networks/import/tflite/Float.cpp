// Operators on FLOAT32, which stay float: sums in written order, a fused
// activation as a statement of its own.
#include "base/system/Text.h"
#include "networks/import/tflite/Window.h"
#include <algorithm>
#include <cmath>
#include <numeric>

namespace lpgen::importer::tflite {

using builder::Expression;

static constexpr ElementType f32 = {Encoding::Float, 32};

bool isFloatNode(const Importer &importer, const TfliteOperator &op) {
  return importer.hasOperand(op, 0) && importer.operand(op, 0).isFloat();
}

/// The element of a tensor at the indices of the statement.
static Expression elementAt(const ImportedTensor &x) {
  return Expression::element(x.name, indexNames(x.shape.size()));
}

Expression activated(Activation activation, const Expression &value) {
  switch (activation) {
  case Activation::Relu:
    return Expression::call("max", {value, 0});
  case Activation::ReluN1To1:
    return Expression::call("clamp", {value, -1, 1});
  case Activation::Relu6:
    return Expression::call("clamp", {value, 0, 6});
  default:
    return value;
  }
}

/// Weights as f32; integers with scales are what they stand for.
static Outcome readWeights(Importer &importer, const TfliteOperator &op,
                           size_t i, std::vector<float> &values) {
  const TfliteTensor &tensor = *importer.constantInput(op, i);
  if (tensor.type == TensorType::Float32) {
    values = Importer::floats(tensor);
    return imported;
  }
  const std::vector<int64_t> integers = Importer::integers(tensor);
  const auto rank = static_cast<int64_t>(tensor.shape.size());
  const size_t scales = tensor.scales.size();
  const bool isPerChannel = scales > 1;
  const int64_t dimension = tensor.quantizedDimension;
  if (integers.empty() || scales == 0 || tensor.isBlockwise ||
      (isPerChannel && (dimension < 0 || dimension >= rank ||
                        tensor.shape[size_t(dimension)] != int64_t(scales)))) {
    return Refusal{"weights", "weights of " + typeName(tensor.type) +
                                  " with float activations are not supported"};
  }
  const int64_t inner = std::accumulate(
      tensor.shape.begin() + (isPerChannel ? dimension + 1 : rank),
      tensor.shape.end(), int64_t{1}, std::multiplies<>());
  for (size_t at = 0; at < integers.size(); ++at) {
    const size_t channel = isPerChannel ? at / size_t(inner) % scales : 0;
    const int64_t zero = tensor.zeroPoints.empty() ? 0
                         : tensor.zeroPoints.size() > channel
                             ? tensor.zeroPoints[channel]
                             : tensor.zeroPoints[0];
    values.push_back(static_cast<float>(integers[at] - zero) *
                     tensor.scales[channel]);
  }
  importer.program().note(
      quotedForMessage(tensor.name) +
      " are integers of a hybrid layer: it is computed in float, without "
      "rounding its input to 8 bits as TFLite does");
  return imported;
}

namespace {
/// A layer of float: its filter in the shape that the operator takes.
struct FloatLayer {
  std::vector<int64_t> filterShape;
  int64_t outputs = 0;
  Activation activation = Activation::None;
  Parameters parameters;
  std::vector<int64_t> shape; ///< Of the result.
  int64_t taps = 1;
};
} // namespace

static Outcome addFloatLayer(Importer &importer, const TfliteOperator &op,
                             const FloatLayer &layer, const char *name) {
  const ImportedTensor x = importer.operand(op, 0);
  std::vector<float> weights;
  if (auto refusal = readWeights(importer, op, 1, weights)) {
    return refusal;
  }
  std::vector<float> bias(size_t(layer.outputs), 0);
  if (const TfliteTensor *given = importer.input(op, 2)) {
    if (!given->isConstant() || given->type != TensorType::Float32 ||
        given->numElements() != layer.outputs) {
      return Refusal{"bias", "it is no constant of FLOAT32 with one value for "
                             "each output channel"};
    }
    bias = Importer::floats(*given);
  }
  Program &program = importer.program();
  const std::string w = program.addFloats(importer.constantName(op, "weight"),
                                          weights, layer.filterShape);
  const std::string b = program.addFloats(importer.constantName(op, "bias"),
                                          bias, {layer.outputs});
  const std::vector<std::string> arguments = {x.name, w, b};
  if (layer.activation == Activation::None) {
    const std::string target = importer.define(op, 0, f32, layer.shape);
    importer.call(target, name, layer.parameters.text(), arguments);
  } else {
    const std::string sums =
        program.names.make(importer.constantName(op, "sums"));
    importer.call(sums + ": f32", name, layer.parameters.text(), arguments);
    program.assign(
        importer.defineElements(op, 0, f32, layer.shape),
        activated(layer.activation,
                  Expression::element(sums, indexNames(layer.shape.size()))));
  }
  Layer row;
  row.weights = static_cast<int64_t>(weights.size());
  row.macs = std::accumulate(layer.shape.begin() + 1, layer.shape.end(),
                             layer.taps, std::multiplies<>());
  row.encoding = "f32 x f32";
  importer.addLayer(op, std::move(row));
  return imported;
}

Outcome importFloatConvolution(Importer &importer, const TfliteOperator &op) {
  const ImportedTensor &x = importer.operand(op, 0);
  const TfliteTensor *filter = importer.constantInput(op, 1);
  const bool isDepthwise = op.is(Builtin::DepthwiseConv2D);
  if (filter == nullptr || filter->shape.size() != 4 || x.shape.size() != 4) {
    return Refusal{"weights", "they are no constant of four dimensions"};
  }
  const std::vector<int64_t> &taps = filter->shape;
  const int64_t groups = groupsOf(taps, x.channels());
  const bool fits =
      isDepthwise ? taps[0] == 1 && taps[3] == x.channels() : groups > 0;
  if (!fits) {
    return Refusal{"weights", "filters " + shapeToString(taps) +
                                  " on an image of " +
                                  std::to_string(x.channels()) +
                                  " channels are not supported"};
  }
  const WindowFields fields =
      isDepthwise ? WindowFields{0, 1, 2, 4, 5} : WindowFields{0, 1, 2, 3, 4};
  Windows windows;
  FloatLayer layer;
  if (auto refusal = readWindows(op, fields, taps[1], taps[2], windows)) {
    return refusal;
  }
  if (auto refusal = checkWindows(windows, x)) {
    return refusal;
  }
  if (auto refusal = readActivation(op, fields.activation, layer.activation)) {
    return refusal;
  }
  addWindows(layer.parameters, windows);
  layer.outputs = taps[isDepthwise ? 3 : 0];
  layer.filterShape = isDepthwise  ? std::vector{taps[1], taps[2], taps[3]}
                      : groups > 1 ? groupedShape(taps, groups)
                                   : taps;
  layer.shape = {x.shape[0], windows.rows.results(x.shape[1]),
                 windows.columns.results(x.shape[2]), layer.outputs};
  layer.taps = filter->numElements() / layer.outputs;
  return addFloatLayer(importer, op, layer,
                       isDepthwise  ? "tflite_depthwise_f32"
                       : groups > 1 ? "tflite_conv_groups_f32"
                                    : "tflite_conv_f32");
}

Outcome importFloatFullyConnected(Importer &importer,
                                  const TfliteOperator &op) {
  const ImportedTensor &x = importer.operand(op, 0);
  const TfliteTensor *filter = importer.constantInput(op, 1);
  const size_t rank = x.shape.size();
  const int64_t inner = std::accumulate(x.shape.begin() + 1, x.shape.end(),
                                        int64_t{1}, std::multiplies<>());
  if (filter == nullptr || (rank != 2 && rank != 4) ||
      filter->shape.size() != 2 || filter->shape[1] != inner) {
    return Refusal{"weights", "they are no constant that fits an input " +
                                  shapeToString(x.shape)};
  }
  FloatLayer layer;
  if (auto refusal = readActivation(op, 0, layer.activation)) {
    return refusal;
  }
  layer.outputs = filter->shape[0];
  layer.filterShape = x.shape;
  layer.filterShape[0] = layer.outputs;
  layer.shape = {x.shape[0], layer.outputs};
  layer.taps = inner;
  return addFloatLayer(importer, op, layer,
                       rank == 4 ? "tflite_linear_image_f32"
                                 : "tflite_linear_f32");
}

/// A function of one number.
Outcome importFloatUnary(Importer &importer, const TfliteOperator &op) {
  const ImportedTensor x = importer.operand(op, 0);
  const Expression value = elementAt(x);
  std::optional<Expression> result;
  switch (static_cast<Builtin>(op.code)) {
  case Builtin::Relu:
    result = activated(Activation::Relu, value);
    break;
  case Builtin::Relu6:
    result = activated(Activation::Relu6, value);
    break;
  case Builtin::ReluN1To1:
    result = activated(Activation::ReluN1To1, value);
    break;
  case Builtin::HardSwish:
    result = value * Expression::call("clamp", {value + 3, 0, 6}) / 6;
    break;
  case Builtin::Logistic:
    result = Expression::call("sigmoid", {value});
    break;
  case Builtin::Tanh:
    result = Expression::call("tanh", {value});
    break;
  case Builtin::LeakyRelu: {
    const float alpha = op.options ? op.options->number<float>(0) : 0;
    if (!std::isfinite(alpha)) {
      return Refusal{"alpha", "it is not finite"};
    }
    result = Expression::call("select", {value > Expression(0), value,
                                         value * Expression::real(alpha)});
    break;
  }
  default:
    return Refusal{"input", "this function of FLOAT32 is not supported",
                   "quantize the model"};
  }
  importer.program().assign(importer.defineElements(op, 0, f32, x.shape),
                            *result);
  return imported;
}

Outcome importFloatPool(Importer &importer, const TfliteOperator &op) {
  const ImportedTensor x = importer.operand(op, 0);
  if (x.shape.size() != 4 || !op.options) {
    return Refusal{"input", "it needs images"};
  }
  const int64_t columns = op.options->number<int32_t>(3);
  const int64_t rows = op.options->number<int32_t>(4);
  Windows windows;
  if (auto refusal = readWindows(op, {0, 1, 2, 5}, rows, columns, windows)) {
    return refusal;
  }
  if (auto refusal = checkWindows(windows, x)) {
    return refusal;
  }
  const bool isMean = op.is(Builtin::AveragePool2D);
  if (op.options->number<int8_t>(5) != 0) {
    return Refusal{"fused_activation_function",
                   "none is supported on pools of FLOAT32"};
  }
  Parameters parameters;
  parameters.add("K", rows, 2)
      .add("L", columns, rows)
      .add("S", windows.rows.stride, rows)
      .add("T", windows.columns.stride, columns);
  if (!isMean) {
    parameters.add("SAME", windows.rows.isSame ? 1 : 0, 0);
  }
  const std::string target =
      importer.define(op, 0, f32,
                      {x.shape[0], windows.rows.results(x.shape[1]),
                       windows.columns.results(x.shape[2]), x.shape[3]});
  importer.call(target,
                !isMean                ? "tflite_max_pool_f32"
                : isPadded(windows, x) ? "tflite_average_pool_same_f32"
                                       : "tflite_average_pool_f32",
                parameters.text(), {x.name});
  importer.addLayer(op, {});
  return imported;
}

/// Of rows and columns.
Outcome importFloatMean(Importer &importer, const TfliteOperator &op) {
  const ImportedTensor x = importer.operand(op, 0);
  const auto axes = axesOf(importer, op, 1, x.shape.size());
  const bool keepsDims = op.options && op.options->flag(0);
  if (x.shape.size() != 4 || keepsDims || !axes ||
      *axes != std::vector<int64_t>{1, 2}) {
    return Refusal{"axis", "only the mean of rows and columns of images, "
                           "without keep_dims, is supported on FLOAT32"};
  }
  importer.call(importer.define(op, 0, f32, {x.shape[0], x.shape[3]}),
                "tflite_mean_f32", "", {x.name});
  importer.addLayer(op, {});
  return imported;
}

/// An integer as what it stands for.
Outcome importDequantize(Importer &importer, const TfliteOperator &op) {
  if (!importer.hasOperand(op, 0)) {
    return Refusal{"input", "it is a constant"};
  }
  const ImportedTensor x = importer.operand(op, 0);
  if (x.isFloat() || x.type.bits > 16 || importer.outputType(op) != f32 ||
      importer.tensor(op.inputs[0]).scales.size() != 1) {
    return Refusal{"input", "it needs INT8, UINT8 or INT16 with one scale"};
  }
  const std::string scale = importer.program().addFloats(
      importer.constantName(op, "scale"), {{x.affine.scale}}, {});
  importer.program().assign(
      importer.defineElements(op, 0, f32, x.shape),
      Expression::scalar(scale) *
          (elementAt(x) - Expression(x.affine.zeroPoint)));
  return imported;
}

/// round(x / scale) + zero point; ties away from zero, as TFLite rounds.
Outcome importQuantizeFloat(Importer &importer, const TfliteOperator &op) {
  const ImportedTensor x = importer.operand(op, 0);
  const std::optional<Affine> result = importer.outputAffine(op);
  const std::optional<ElementType> type = importer.outputType(op);
  if (!result || !type || type->isFloat() || type->bits > 16 ||
      (x.shape.size() != 4 && x.shape.size() != 2)) {
    return Refusal{"output",
                   "it needs INT8, UINT8 or INT16 with one scale, and "
                   "two or four dimensions"};
  }
  const std::string scale = importer.program().addFloats(
      importer.constantName(op, "scale"), {{result->scale}}, {});
  Parameters parameters;
  parameters.add("ZY", result->zeroPoint, 0);
  importer.call(importer.define(op, 0, *type, x.shape),
                x.shape.size() == 4 ? "tflite_quantize"
                                    : "tflite_quantize_vector",
                parameters.text(), {x.name, scale});
  return imported;
}

} // namespace lpgen::importer::tflite
