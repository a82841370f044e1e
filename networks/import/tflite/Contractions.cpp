// CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED of integers.
//
// Weights become constants in their narrowest type with the zero point taken
// off; per channel or not, each output channel has a factor and a shift.
#include "networks/import/tflite/Window.h"
#include <algorithm>
#include <bit>
#include <numeric>

namespace lpgen::importer::tflite {

namespace {
/// The constants of a layer, and what is known of them.
struct LayerConstants {
  std::vector<std::string> arguments; ///< Weights, bias, factor, shift.
  Layer row;
};

/// What a layer makes of its filter: `order` of the output channels is that of
/// `outputDimension`.
struct Filter {
  std::vector<int64_t> values;
  std::vector<int64_t> shape;
  size_t outputDimension = 0;
  int64_t outputs = 0;
};
} // namespace

static unsigned bitsOf(int64_t lowest, int64_t highest) {
  return narrowestType(lowest, highest).bits;
}

/// For each output channel the sum of `of` its weights.
template <typename Function>
static std::vector<int64_t> sumsOf(const Filter &filter, Function of) {
  std::vector<int64_t> sums(static_cast<size_t>(filter.outputs), 0);
  int64_t inner = 1;
  for (size_t i = filter.outputDimension + 1; i < filter.shape.size(); ++i) {
    inner *= filter.shape[i];
  }
  for (size_t i = 0; i < filter.values.size(); ++i) {
    const int64_t output = static_cast<int64_t>(i) / inner % filter.outputs;
    sums[size_t(output)] += of(filter.values[i]);
  }
  return sums;
}

/// Sums of activations of 8 bits, up to `most` in size, and biases fit 32 bits,
/// as those of TFLite.
static bool haveSumsOf32Bits(const Filter &filter, int64_t most,
                             const std::vector<int64_t> &bias) {
  const std::vector<int64_t> sizes =
      sumsOf(filter, [](int64_t weight) { return std::abs(weight); });
  for (size_t o = 0; o < sizes.size(); ++o) {
    if (sizes[o] * most + std::abs(bias[o]) > INT32_MAX) {
      return false;
    }
  }
  return true;
}

/// Bits of an accumulator that holds any sum of values up to `most` with these
/// weights.
static unsigned accumulatorBits(const Filter &filter, int64_t most) {
  const int64_t greatest = std::ranges::max(
      sumsOf(filter, [](int64_t weight) { return std::abs(weight); }));
  return static_cast<unsigned>(std::bit_width(uint64_t(greatest * most))) + 1;
}

/// The filter as it is computed with: less its zero points.
static Outcome readFilter(const TfliteTensor &tensor, Filter &filter) {
  if (tensor.isSparse || tensor.isBlockwise) {
    return Refusal{"weights",
                   "sparse weights and scales of blocks are not "
                   "supported",
                   "convert the model without them"};
  }
  const bool isInteger = tensor.type == TensorType::Int8 ||
                         tensor.type == TensorType::UInt8 ||
                         tensor.type == TensorType::Int4;
  if (!isInteger) {
    return Refusal{"weights", "weights of " + typeName(tensor.type) +
                                  " with integer activations are not "
                                  "supported"};
  }
  filter.values = Importer::integers(tensor);
  filter.shape = tensor.shape;
  const auto zeros = tensor.zeroPoints.size();
  const bool isUniform =
      zeros == 0 ||
      std::ranges::count(tensor.zeroPoints, tensor.zeroPoints[0]) ==
          static_cast<ptrdiff_t>(zeros);
  const int64_t zero = zeros == 0 ? 0 : tensor.zeroPoints[0];
  if (!isUniform || zero < -256 || zero > 256) {
    return Refusal{"weights", "zero points that differ between channels are "
                              "not supported"};
  }
  for (int64_t &value : filter.values) {
    value -= zero;
  }
  return imported;
}

/// Products of the scales of x and weights over that of the result.
static Outcome readMultipliers(const TfliteTensor &weights, const Affine &x,
                               const Affine &result, int64_t outputs,
                               bool isWide,
                               std::vector<Multiplier> &multipliers) {
  const auto count = static_cast<int64_t>(weights.scales.size());
  if (count != 1 && count != outputs) {
    return Refusal{"weights", std::to_string(count) + " scales for " +
                                  std::to_string(outputs) + " output channels"};
  }
  for (int64_t o = 0; o < outputs; ++o) {
    const float scale = weights.scales[size_t(count == 1 ? 0 : o)];
    const double real = double(x.scale) * double(scale) / double(result.scale);
    multipliers.push_back(isWide ? quantizeMultiplier15(real)
                                 : quantizeMultiplier(real));
  }
  return imported;
}

/// The bias, less what the zero point of x adds to each sum.
static Outcome readBias(Importer &importer, const TfliteOperator &op,
                        const Filter &filter, std::vector<int64_t> &bias) {
  const int64_t zero = importer.operand(op, 0).affine.zeroPoint;
  const int64_t outputs = filter.outputs;
  bias = sumsOf(filter, [&](int64_t weight) { return -zero * weight; });
  const TfliteTensor *tensor = importer.input(op, 2);
  if (tensor == nullptr) {
    return imported;
  }
  const bool isInteger =
      tensor->type == TensorType::Int32 || tensor->type == TensorType::Int64;
  if (!tensor->isConstant() || !isInteger || tensor->numElements() != outputs) {
    return Refusal{"bias", "it is no constant of INT32 or INT64 with one value "
                           "for each output channel"};
  }
  const std::vector<int64_t> values = Importer::integers(*tensor);
  constexpr ElementType i32 = {Encoding::Signed, 32};
  for (size_t o = 0; o < bias.size(); ++o) {
    if (!i32.holds(values[o])) {
      return Refusal{"bias", "it has values beyond 32 bits"};
    }
    bias[o] += values[o];
  }
  return std::ranges::all_of(bias,
                             [&](int64_t value) { return i32.holds(value); })
             ? imported
             : Outcome(Refusal{"bias", "its sums are beyond 32 bits"});
}

/// The constants of a layer with this filter, and its row in the report.
static Outcome addConstants(Importer &importer, const TfliteOperator &op,
                            const Filter &filter, const Affine &result,
                            LayerConstants &constants) {
  const ImportedTensor &x = importer.operand(op, 0);
  const TfliteTensor &weights = *importer.input(op, 1);
  std::vector<int64_t> bias;
  std::vector<Multiplier> multipliers;
  if (auto refusal = readBias(importer, op, filter, bias)) {
    return refusal;
  }
  const bool isWide = x.type.bits > 8;
  const int64_t most = std::max(x.type.maxValue() - x.affine.zeroPoint,
                                x.affine.zeroPoint - x.type.minValue());
  if (!isWide && !haveSumsOf32Bits(filter, most, bias)) {
    return Refusal{"weights", "sums of their products are beyond 32 bits"};
  }
  if (auto refusal = readMultipliers(weights, x.affine, result, filter.outputs,
                                     isWide, multipliers)) {
    return refusal;
  }
  std::vector<int64_t> factors;
  std::vector<int64_t> shifts;
  for (const Multiplier &multiplier : multipliers) {
    factors.push_back(multiplier.factor);
    shifts.push_back(multiplier.shift);
  }
  const auto [lowest, highest] = std::ranges::minmax(filter.values);
  // What calls of tflite.lp take: signed, at least one bit more than ternary.
  const int64_t reach = std::max({-lowest, highest + 1, int64_t{2}});
  const ElementType type = {
      Encoding::Signed,
      static_cast<unsigned>(std::bit_width(uint64_t(reach - 1))) + 1};
  constexpr ElementType i32 = {Encoding::Signed, 32};
  Program &program = importer.program();
  const std::vector<int64_t> perOutput = {filter.outputs};
  constants.arguments = {
      program.addIntegers(importer.constantName(op, "weight"), filter.values,
                          filter.shape, type),
      program.addIntegers(importer.constantName(op, "bias"), bias, perOutput,
                          i32),
      program.addIntegers(importer.constantName(op, "factor"), factors,
                          perOutput, i32),
      program.addIntegers(importer.constantName(op, "shift"), shifts, perOutput,
                          i32)};
  Layer &row = constants.row;
  row.weights = static_cast<int64_t>(filter.values.size());
  row.declaredWeightBits = storedBits(weights.type);
  row.usedWeightBits = bitsOf(lowest, highest);
  row.declaredInputBits = x.type.bits;
  row.usedInputBits = x.type.bits;
  row.encoding = type.str() + " x " + x.type.str();
  row.scales = weights.scales.size() == 1 ? "tensor" : "channel";
  row.accumulatorBits = accumulatorBits(filter, most);
  return imported;
}

/// What the three kinds of layers have in common before their shapes.
static Outcome checkLayer(Importer &importer, const TfliteOperator &op,
                          Affine &result) {
  if (!importer.hasOperand(op, 0)) {
    return Refusal{"input", "it is a constant"};
  }
  if (importer.constantInput(op, 1) == nullptr) {
    return Refusal{"weights", "they are no constant"};
  }
  const ImportedTensor &x = importer.operand(op, 0);
  const std::optional<ElementType> type = importer.outputType(op);
  const bool isInteger = !x.isFloat() && x.type.bits <= 16;
  if (!isInteger || type != x.type) {
    return Refusal{"input", "activations of " + x.type.str() + " to " +
                                (type ? type->str() : "another type") +
                                " are not supported"};
  }
  const std::optional<Affine> affine = importer.outputAffine(op);
  const TfliteTensor &inFile = importer.tensor(op.inputs[0]);
  if (!affine || inFile.scales.size() != 1 || inFile.scales[0] <= 0 ||
      !x.type.holds(x.affine.zeroPoint)) {
    return Refusal{"quantization",
                   "its input and its output need one scale "
                   "and a zero point of their type each",
                   "quantize the whole model"};
  }
  result = *affine;
  return imported;
}

/// The parameters that all layers have.
static Parameters layerParameters(const ImportedTensor &x, const Affine &result,
                                  Activation activation) {
  Parameters parameters;
  parameters.add("ZY", result.zeroPoint, 0);
  addBounds(parameters, activation, result, x.type);
  return parameters;
}

static void finish(Importer &importer, const TfliteOperator &op,
                   LayerConstants constants, const char *name,
                   const Parameters &parameters,
                   const std::vector<int64_t> &shape, int64_t taps) {
  const ImportedTensor x = importer.operand(op, 0);
  const std::string target = importer.define(op, 0, x.type, shape);
  constants.arguments.insert(constants.arguments.begin(), x.name);
  importer.call(target, name, parameters.text(), constants.arguments);
  constants.row.macs = std::accumulate(shape.begin() + 1, shape.end(), taps,
                                       std::multiplies<int64_t>());
  importer.addLayer(op, std::move(constants.row));
}

/// [1, K, L, C * M] with C = 1 as [M, K, L, 1]: a convolution.
static Filter asConvolution(const Filter &filter) {
  Filter result = filter;
  const int64_t taps = filter.shape[1] * filter.shape[2];
  result.shape = {filter.outputs, filter.shape[1], filter.shape[2], 1};
  result.outputDimension = 0;
  for (int64_t o = 0; o < filter.outputs; ++o) {
    for (int64_t tap = 0; tap < taps; ++tap) {
      result.values[size_t(o * taps + tap)] =
          filter.values[size_t(tap * filter.outputs + o)];
    }
  }
  return result;
}

static Outcome importWindows(Importer &importer, const TfliteOperator &op,
                             const Filter &filter, const WindowFields &fields,
                             const char *name, const Affine &result) {
  const ImportedTensor &x = importer.operand(op, 0);
  Windows windows;
  Activation activation = Activation::None;
  if (auto refusal = readWindows(op, fields, importer.input(op, 1)->shape[1],
                                 importer.input(op, 1)->shape[2], windows)) {
    return refusal;
  }
  if (auto refusal = checkWindows(windows, x)) {
    return refusal;
  }
  if (auto refusal = readActivation(op, fields.activation, activation)) {
    return refusal;
  }
  LayerConstants constants;
  if (auto refusal = addConstants(importer, op, filter, result, constants)) {
    return refusal;
  }
  Parameters parameters = layerParameters(x, result, activation);
  addWindows(parameters, windows);
  // What lies outside the image is 0: the zero point.
  parameters.add("ZX", windows.rows.isSame ? x.affine.zeroPoint : 0, 0);
  const int64_t taps = constants.row.weights / filter.outputs;
  finish(importer, op, std::move(constants), name, parameters,
         {x.shape[0], windows.rows.results(x.shape[1]),
          windows.columns.results(x.shape[2]), filter.outputs},
         taps);
  return imported;
}

/// Refuses what is no image and filter of four dimensions.
static Outcome checkImage(Importer &importer, const TfliteOperator &op) {
  const size_t rank = importer.operand(op, 0).shape.size();
  const std::vector<int64_t> &filter = importer.input(op, 1)->shape;
  if (rank != 4 || filter.size() != 4 || std::ranges::count(filter, 0) != 0) {
    return Refusal{"input", "it and the weights need four dimensions each"};
  }
  return imported;
}

/// The grid of the result, and the filter, of a layer of an image.
static Outcome readConvolution(Importer &importer, const TfliteOperator &op,
                               Affine &result, Filter &filter) {
  if (auto refusal = checkLayer(importer, op, result)) {
    return refusal;
  }
  if (auto refusal = checkImage(importer, op)) {
    return refusal;
  }
  return readFilter(*importer.input(op, 1), filter);
}

Outcome importConv2D(Importer &importer, const TfliteOperator &op) {
  if (isFloatNode(importer, op)) {
    return importFloatConvolution(importer, op);
  }
  Affine result;
  Filter filter;
  if (auto refusal = readConvolution(importer, op, result, filter)) {
    return refusal;
  }
  filter.outputs = filter.shape[0];
  const int64_t channels = importer.operand(op, 0).channels();
  const int64_t groups = groupsOf(filter.shape, channels);
  if (groups == 0) {
    return Refusal{"weights", "filters of " + std::to_string(filter.shape[3]) +
                                  " channels do not fit an image of " +
                                  std::to_string(channels) + " channels"};
  }
  if (groups > 1) {
    filter.shape = groupedShape(filter.shape, groups);
    filter.outputDimension = 1;
  }
  return importWindows(importer, op, filter, {0, 1, 2, 3, 4},
                       groups > 1 ? "tflite_conv_groups" : "tflite_conv",
                       result);
}

Outcome importDepthwiseConv2D(Importer &importer, const TfliteOperator &op) {
  if (isFloatNode(importer, op)) {
    return importFloatConvolution(importer, op);
  }
  Affine result;
  Filter filter;
  if (auto refusal = readConvolution(importer, op, result, filter)) {
    return refusal;
  }
  filter.outputs = filter.shape[3];
  filter.outputDimension = 3;
  const int64_t channels = importer.operand(op, 0).channels();
  const WindowFields fields = {0, 1, 2, 4, 5};
  if (filter.shape[0] != 1 || filter.outputs % channels != 0) {
    return Refusal{"weights", "filters " + shapeToString(filter.shape) +
                                  " do not fit an image of " +
                                  std::to_string(channels) + " channels"};
  }
  if (filter.outputs == channels) {
    filter.shape.erase(filter.shape.begin());
    filter.outputDimension = 2;
    return importWindows(importer, op, filter, fields, "tflite_depthwise",
                         result);
  }
  if (channels == 1) {
    return importWindows(importer, op, asConvolution(filter), fields,
                         "tflite_conv", result);
  }
  filter.shape = {filter.shape[1], filter.shape[2], channels,
                  filter.outputs / channels};
  return importWindows(importer, op, filter, fields,
                       "tflite_depthwise_multiple", result);
}

/// Inputs are the shape of the result, weights, x and perhaps a bias.
Outcome importTransposeConv(Importer &importer, const TfliteOperator &op) {
  if (op.inputs.size() < 3) {
    return Refusal{"input", "it needs three inputs"};
  }
  const auto shape = importer.knownIntegers(op, 0);
  TfliteOperator plain = op;
  plain.inputs = {op.inputs[2], op.inputs[1],
                  op.inputs.size() > 3 ? op.inputs[3] : -1};
  Affine result;
  Filter filter;
  if (auto refusal = readConvolution(importer, plain, result, filter)) {
    return refusal;
  }
  const ImportedTensor &x = importer.operand(plain, 0);
  filter.outputs = filter.shape[0];
  Windows windows;
  if (auto refusal = readWindows(op, {0, 1, 2, 3}, filter.shape[1],
                                 filter.shape[2], windows)) {
    return refusal;
  }
  Activation activation = Activation::None;
  if (auto refusal = readActivation(op, 3, activation)) {
    return refusal;
  }
  const bool fits = shape && shape->size() == 4 && (*shape)[0] == x.shape[0] &&
                    (*shape)[3] == filter.outputs &&
                    windows.rows.results((*shape)[1]) == x.shape[1] &&
                    windows.columns.results((*shape)[2]) == x.shape[2] &&
                    filter.shape[3] == x.channels();
  if (!fits) {
    return Refusal{"output_shape", "it is not known or does not fit the input, "
                                   "the weights and the padding"};
  }
  LayerConstants constants;
  if (auto refusal = addConstants(importer, plain, filter, result, constants)) {
    return refusal;
  }
  Parameters parameters = layerParameters(x, result, activation);
  parameters.add("ZX", x.affine.zeroPoint, 0)
      .add("V", (*shape)[1], 0)
      .add("U", (*shape)[2], 0)
      .add("S", windows.rows.stride, 1)
      .add("T", windows.columns.stride, windows.rows.stride)
      .add("P", windows.rows.before((*shape)[1]), 0)
      .add("Q", windows.columns.before((*shape)[2]), 0);
  const int64_t taps = constants.row.weights / filter.outputs;
  finish(importer, plain, std::move(constants), "tflite_transpose_conv",
         parameters, *shape,
         taps / (windows.rows.stride * windows.columns.stride));
  return imported;
}

Outcome importFullyConnected(Importer &importer, const TfliteOperator &op) {
  if (isFloatNode(importer, op)) {
    return importFloatFullyConnected(importer, op);
  }
  Affine result;
  if (auto refusal = checkLayer(importer, op, result)) {
    return refusal;
  }
  const ImportedTensor &x = importer.operand(op, 0);
  Filter filter;
  if (auto refusal = readFilter(*importer.input(op, 1), filter)) {
    return refusal;
  }
  Activation activation = Activation::None;
  if (auto refusal = readActivation(op, 0, activation)) {
    return refusal;
  }
  const int64_t inner = std::accumulate(x.shape.begin() + 1, x.shape.end(),
                                        int64_t{1}, std::multiplies<>());
  if (filter.shape.size() != 2 || filter.shape[0] < 1 ||
      filter.shape[1] != inner) {
    return Refusal{"weights", "weights " + shapeToString(filter.shape) +
                                  " do not fit an input " +
                                  shapeToString(x.shape)};
  }
  const bool isImage = x.shape.size() == 4;
  if (!isImage && x.shape.size() != 2) {
    return Refusal{"input", "an input of " + std::to_string(x.shape.size()) +
                                " dimensions is not supported"};
  }
  if (op.options && op.options->number<int8_t>(1) != 0) {
    return Refusal{"weights_format", "shuffled weights are not supported"};
  }
  filter.outputs = filter.shape[0];
  if (isImage) {
    filter.shape = {filter.outputs, x.shape[1], x.shape[2], x.shape[3]};
  }
  LayerConstants constants;
  if (auto refusal = addConstants(importer, op, filter, result, constants)) {
    return refusal;
  }
  const Parameters parameters = layerParameters(x, result, activation);
  finish(importer, op, std::move(constants),
         isImage ? "tflite_linear_image" : "tflite_linear", parameters,
         {x.shape[0], filter.outputs}, inner);
  return imported;
}

} // namespace lpgen::importer::tflite
