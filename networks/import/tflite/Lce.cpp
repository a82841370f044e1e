// The binary operators of Larq Compute Engine. Their bit 1 stands for -1, and
// channels lie in words of 32 bits, the first one lowest; in the program such a
// tensor is of b1.
#include "networks/import/tflite/FlexBuffer.h"
#include "networks/import/tflite/Window.h"
#include <algorithm>

namespace lpgen::importer::tflite {

using builder::Expression;
using Options = std::map<std::string, int64_t>;

static constexpr ElementType b1 = {Encoding::Bipolar, 1};
static constexpr ElementType f32 = {Encoding::Float, 32};
static constexpr int64_t wordBits = 32;

static Expression elementAt(const ImportedTensor &x) {
  return Expression::element(x.name, indexNames(x.shape.size()));
}

/// -1 for what is less than zero, else 1.
static Outcome importLceQuantize(Importer &importer, const TfliteOperator &op) {
  if (!importer.hasOperand(op, 0)) {
    return Refusal{"input", "it is a constant"};
  }
  const ImportedTensor x = importer.operand(op, 0);
  const bool isSupported = x.isFloat() || x.type.bits <= 16;
  if (!isSupported || x.type == b1) {
    return Refusal{"input",
                   "a tensor of " + x.type.str() + " is not supported"};
  }
  const std::string target = importer.defineElements(op, 0, b1, x.shape);
  const Expression zero(x.isFloat() ? 0 : x.affine.zeroPoint);
  importer.program().assign(target, Expression(2) * (elementAt(x) >= zero) -
                                        Expression(1));
  return imported;
}

static Outcome importLceDequantize(Importer &importer,
                                   const TfliteOperator &op) {
  if (!importer.hasOperand(op, 0) || importer.operand(op, 0).type != b1 ||
      importer.outputType(op) != f32) {
    return Refusal{"input", "only bits as FLOAT32 are supported"};
  }
  const ImportedTensor x = importer.operand(op, 0);
  importer.program().assign(importer.defineElements(op, 0, f32, x.shape),
                            elementAt(x));
  return imported;
}

/// The windows of the options; sizes of windows are given.
static Outcome readLceWindows(const Options &options, int64_t rows,
                              int64_t columns, Windows &windows) {
  const auto option = [&](const char *name, int64_t missing) {
    const auto found = options.find(name);
    return found == options.end() ? missing : found->second;
  };
  const int64_t padding = option("padding", 1);
  windows.rows = {rows, option("stride_height", 1),
                  option("dilation_height_factor", 1), padding == 0};
  windows.columns = {columns, option("stride_width", 1),
                     option("dilation_width_factor", 1), padding == 0};
  constexpr int64_t most = 1 << 16;
  for (const Window &window : {windows.rows, windows.columns}) {
    if (std::min({window.size, window.stride, window.dilation}) < 1 ||
        std::max({window.size, window.stride, window.dilation}) > most) {
      return Refusal{"stride, dilation or window",
                     "it is not between 1 and 65536"};
    }
  }
  return padding == 0 || padding == 1
             ? imported
             : Outcome(Refusal{"padding", "it is neither SAME nor VALID"});
}

/// An image of bits, and the options of its node.
static Outcome readBits(Importer &importer, const TfliteOperator &op,
                        Options &options) {
  if (!importer.hasOperand(op, 0) || importer.operand(op, 0).type != b1 ||
      importer.operand(op, 0).shape.size() != 4) {
    return Refusal{"input", "it is no image of bits that a node before it "
                            "makes"};
  }
  const auto read = readFlexIntegers(op.custom);
  if (!read) {
    return Refusal{"custom_options", "they are no map that can be read"};
  }
  options = *read;
  return imported;
}

static Outcome importLceMaxPool(Importer &importer, const TfliteOperator &op) {
  Options options;
  if (auto refusal = readBits(importer, op, options)) {
    return refusal;
  }
  const ImportedTensor x = importer.operand(op, 0);
  Windows windows;
  const int64_t rows = options["filter_height"];
  const int64_t columns = options["filter_width"];
  if (auto refusal = readLceWindows(options, rows, columns, windows)) {
    return refusal;
  }
  if (auto refusal = checkWindows(windows, x)) {
    return refusal;
  }
  Parameters parameters;
  parameters.add("K", rows, 2)
      .add("L", columns, rows)
      .add("S", windows.rows.stride, rows)
      .add("T", windows.columns.stride, columns)
      .add("SAME", windows.rows.isSame ? 1 : 0, 0);
  const std::string target =
      importer.define(op, 0, b1,
                      {x.shape[0], windows.rows.results(x.shape[1]),
                       windows.columns.results(x.shape[2]), x.shape[3]});
  importer.call(target, "lce_max_pool", parameters.text(), {x.name});
  importer.addLayer(op, {.declaredInputBits = 1, .usedInputBits = 1});
  return imported;
}

/// [O, K, L, C / 32] words as [O, K, L, C] of -1 and 1.
static std::vector<int64_t> unpacked(const TfliteTensor &words,
                                     int64_t channels) {
  const std::vector<int64_t> packed = Importer::integers(words);
  const int64_t perPixel = words.shape[3];
  std::vector<int64_t> values;
  for (size_t pixel = 0; pixel < packed.size() / size_t(perPixel); ++pixel) {
    for (int64_t c = 0; c < channels; ++c) {
      const int64_t word =
          packed[pixel * size_t(perPixel) + size_t(c / wordBits)];
      values.push_back((word >> (c % wordBits) & 1) != 0 ? -1 : 1);
    }
  }
  return values;
}

/// A constant of one value for each output; nothing if it is none.
static const TfliteTensor *perOutput(Importer &importer,
                                     const TfliteOperator &op, size_t i,
                                     TensorType type, int64_t outputs) {
  const TfliteTensor *tensor = importer.constantInput(op, i);
  return tensor != nullptr && tensor->type == type &&
                 tensor->numElements() == outputs
             ? tensor
             : nullptr;
}

static Outcome importLceConvolution(Importer &importer,
                                    const TfliteOperator &op) {
  Options options;
  if (auto refusal = readBits(importer, op, options)) {
    return refusal;
  }
  const ImportedTensor x = importer.operand(op, 0);
  const TfliteTensor *filter = importer.constantInput(op, 1);
  const int64_t channels = x.channels();
  if (filter == nullptr || filter->type != TensorType::Int32 ||
      filter->shape.size() != 4 ||
      filter->shape[3] != (channels + wordBits - 1) / wordBits ||
      options["channels_in"] != channels) {
    return Refusal{"filter", "it is no constant of words for the " +
                                 std::to_string(channels) +
                                 " channels of the input; groups are not "
                                 "supported"};
  }
  Windows windows;
  const int64_t outputs = filter->shape[0];
  if (auto refusal = readLceWindows(options, filter->shape[1], filter->shape[2],
                                    windows)) {
    return refusal;
  }
  if (auto refusal = checkWindows(windows, x)) {
    return refusal;
  }
  const int64_t outside = options["pad_values"];
  const auto activation =
      static_cast<Activation>(options["fused_activation_function"]);
  if ((outside != 0 && outside != 1) || activation > Activation::Relu6 ||
      activation < Activation::None) {
    return Refusal{"pad_values or fused_activation_function",
                   "it is none that is known"};
  }
  Program &program = importer.program();
  Parameters parameters;
  addWindows(parameters, windows);
  parameters.add("Z", outside, 0);
  const std::vector<int64_t> shape = {
      x.shape[0], windows.rows.results(x.shape[1]),
      windows.columns.results(x.shape[2]), outputs};
  const auto addWeights = [&] {
    return program.addIntegers(
        importer.constantName(op, "weight"), unpacked(*filter, channels),
        {outputs, filter->shape[1], filter->shape[2], channels}, b1);
  };
  const int64_t taps = filter->shape[1] * filter->shape[2] * channels;
  const TfliteTensor *gains =
      perOutput(importer, op, 2, TensorType::Float32, outputs);
  const TfliteTensor *offsets =
      perOutput(importer, op, 3, TensorType::Float32, outputs);
  const TfliteTensor *thresholds =
      perOutput(importer, op, 4, TensorType::Int32, outputs);
  if (importer.outputType(op) == f32 && gains != nullptr &&
      offsets != nullptr) {
    const Bounds bounds = activationBounds(activation, {1, 0}, {-taps, taps});
    parameters.add("LO", bounds.lowest, -taps).add("HI", bounds.highest, taps);
    const std::vector<std::string> arguments = {
        x.name, addWeights(),
        program.addFloats(importer.constantName(op, "gain"),
                          Importer::floats(*gains), {outputs}),
        program.addFloats(importer.constantName(op, "offset"),
                          Importer::floats(*offsets), {outputs})};
    importer.call(importer.define(op, 0, f32, shape), "lce_conv",
                  parameters.text(), arguments);
  } else if (importer.outputType(op) == ElementType{Encoding::Signed, 32} &&
             thresholds != nullptr && (outside != 0 || !windows.rows.isSame)) {
    // Words of bits: 1 where more than a threshold of the products are -1.
    std::vector<int64_t> least;
    for (const int64_t threshold : Importer::integers(*thresholds)) {
      least.push_back(
          std::clamp<int64_t>(taps - 2 * threshold, INT32_MIN, INT32_MAX));
    }
    const std::vector<std::string> arguments = {
        x.name, addWeights(),
        program.addIntegers(importer.constantName(op, "least"), least,
                            {outputs}, {Encoding::Signed, 32})};
    importer.call(importer.define(op, 0, b1, shape), "lce_conv_bits",
                  parameters.text(), arguments);
  } else {
    return Refusal{"output", "it is neither FLOAT32 with a multiplier and a "
                             "bias nor bits with thresholds"};
  }
  Layer row;
  row.weights = outputs * taps;
  row.macs = shape[1] * shape[2] * row.weights;
  row.declaredWeightBits = row.usedWeightBits = 1;
  row.declaredInputBits = row.usedInputBits = 1;
  row.encoding = "b1 x b1";
  importer.addLayer(op, std::move(row));
  return imported;
}

ImportNode lceImporterOf(const std::string &name) {
  return name == "LceQuantize"     ? importLceQuantize
         : name == "LceDequantize" ? importLceDequantize
         : name == "LceBconv2d"    ? importLceConvolution
         : name == "LceBMaxPool2d" ? importLceMaxPool
                                   : nullptr;
}

} // namespace lpgen::importer::tflite
