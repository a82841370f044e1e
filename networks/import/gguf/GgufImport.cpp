// A tensor of a GGUF file becomes a matrix product.
#include "networks/import/gguf/GgufImport.h"
#include "base/system/Text.h"
#include <algorithm>
#include <cmath>
#include <cstring>

namespace lpgen::importer::gguf {

using builder::Expression;
using builder::Extent;

bool isGguf(std::span<const std::byte> file) {
  return file.size() >= 4 && std::memcmp(file.data(), "GGUF", 4) == 0;
}

namespace {
/// The weights of a tensor as constants.
struct Weights {
  int64_t outputs = 0;
  int64_t inputs = 0;
  int64_t group = 0;  ///< Inputs with one scale; 0: floats.
  HostTensor codes;   ///< [outputs, inputs]
  HostTensor scales;  ///< [groups, outputs]
  HostTensor offsets; ///< The same, or none.
  bool hasOffset = false;
  int64_t zero = 0; ///< That is taken off the codes.
};
} // namespace

std::string reasonAgainst(const GgufTensor &tensor) {
  if (!tensor.format) {
    return "its type is not known";
  }
  if (!tensor.format->isSupported()) {
    return "its type is not supported";
  }
  if (tensor.shape.size() != 2) {
    return "it has " + std::to_string(tensor.shape.size()) +
           (tensor.shape.size() == 1 ? " dimension" : " dimensions") +
           ", a matrix product takes 2";
  }
  return "";
}

bool hasUnsupportedMatrix(const GgufFile &file) {
  return std::ranges::any_of(file.tensors, [](const GgufTensor &tensor) {
    return tensor.shape.size() > 1 && !reasonAgainst(tensor).empty();
  });
}

static Status notFinite(const GgufTensor &tensor, const std::string &what,
                        int64_t output, int64_t input) {
  return Status::error("tensor " + quotedForMessage(tensor.name) + ", " + what +
                       " of the weights from [" + std::to_string(output) +
                       ", " + std::to_string(input) +
                       "] on is infinite or no number; quantize the model "
                       "again");
}

static Result<Weights> readFloats(const GgufTensor &tensor) {
  Weights weights;
  weights.outputs = tensor.shape[0];
  weights.inputs = tensor.shape[1];
  Result<HostTensor> codes =
      convertStored({*tensor.format->floats, tensor.shape, tensor.data},
                    {Encoding::Float, 32});
  LPGEN_RETURN_IF_ERROR(codes.status());
  weights.codes = std::move(*codes);
  for (int64_t i = 0; i < weights.codes.numElements(); ++i) {
    if (!std::isfinite(weights.codes.getFloat(i))) {
      return notFinite(tensor, "the first", i / weights.inputs,
                       i % weights.inputs);
    }
  }
  return weights;
}

/// Codes of -1 to 2, of a format that is meant for -1 to 1: with a 2 among them
/// they are unsigned ones less 1.
static void settleTernary(Weights &weights) {
  HostTensor &codes = weights.codes;
  const auto *first = static_cast<const int8_t *>(codes.data());
  if (std::find(first, first + codes.numElements(), 2) ==
      first + codes.numElements()) {
    return;
  }
  HostTensor all({Encoding::Unsigned, 2}, codes.shape());
  for (int64_t i = 0; i < codes.numElements(); ++i) {
    all.setInt(i, codes.getInt(i) + 1);
  }
  codes = std::move(all);
  weights.zero = 1;
}

/// The codes, scales and offsets of the blocks of a row.
static Status readRow(const GgufTensor &tensor, int64_t output,
                      Weights &weights) {
  const BlockFormat &format = *tensor.format;
  const int64_t blocks = weights.inputs / format.elements;
  const auto *bytes = reinterpret_cast<const uint8_t *>(tensor.data.data()) +
                      output * blocks * format.bytes;
  Block block = {};
  for (int64_t i = 0; i < blocks; ++i, bytes += format.bytes) {
    format.decode(bytes, block);
    const int64_t input = i * format.elements;
    for (int64_t j = 0; j < format.elements; ++j) {
      weights.codes.setInt(output * weights.inputs + input + j,
                           block.codes[size_t(j)]);
    }
    for (int64_t j = 0; j < format.elements / format.group; ++j) {
      const float scale = block.scales[size_t(j)];
      const float offset = format.hasOffset ? block.offsets[size_t(j)] : 0;
      if (!std::isfinite(scale) || !std::isfinite(offset)) {
        return notFinite(tensor, "the scale or offset", output,
                         input + j * format.group);
      }
      const int64_t group = input / format.group + j;
      weights.scales.setFloat(group * weights.outputs + output, scale);
      if (format.hasOffset) {
        weights.offsets.setFloat(group * weights.outputs + output, offset);
      }
    }
  }
  return Status::success();
}

static Result<Weights> readBlocks(const GgufTensor &tensor) {
  const BlockFormat &format = *tensor.format;
  Weights weights;
  weights.outputs = tensor.shape[0];
  weights.inputs = tensor.shape[1];
  weights.group = format.group;
  weights.hasOffset = format.hasOffset;
  const std::vector<int64_t> groups = {weights.inputs / format.group,
                                       weights.outputs};
  constexpr ElementType f32 = {Encoding::Float, 32};
  Result<HostTensor> codes = HostTensor::create(format.codes, tensor.shape);
  LPGEN_RETURN_IF_ERROR(codes.status());
  Result<HostTensor> scales = HostTensor::create(f32, groups);
  LPGEN_RETURN_IF_ERROR(scales.status());
  weights.codes = std::move(*codes);
  weights.scales = std::move(*scales);
  if (format.hasOffset) {
    Result<HostTensor> offsets = HostTensor::create(f32, groups);
    LPGEN_RETURN_IF_ERROR(offsets.status());
    weights.offsets = std::move(*offsets);
  }
  for (int64_t output = 0; output < weights.outputs; ++output) {
    LPGEN_RETURN_IF_ERROR(readRow(tensor, output, weights));
  }
  if (format.codes.encoding == Encoding::Ternary) {
    settleTernary(weights);
  }
  return weights;
}

/// True if x is quantized in the groups of the weights.
static bool isOfIntegers(const Weights &weights, const ImportOptions &options) {
  return weights.group != 0 && !options.hasFloatActivations;
}

static void addLayer(Program &program, const GgufTensor &tensor,
                     const Weights &weights, const ImportOptions &options) {
  Layer layer;
  layer.name = tensor.name;
  layer.operation = tensor.typeName();
  layer.shape = "[m, " + std::to_string(weights.outputs) + "]";
  layer.weights = weights.outputs * weights.inputs;
  layer.macs = layer.weights;
  const ElementType type = weights.codes.type();
  if (!type.isFloat()) {
    layer.declaredWeightBits = type.bits;
    layer.usedWeightBits = type.bits;
    layer.scales = "group";
  }
  layer.encoding = type.str() + " x f32";
  if (isOfIntegers(weights, options)) {
    layer.declaredInputBits = 8;
    layer.usedInputBits = 8;
    layer.encoding = type.str() + " x s8";
  }
  program.report.layers.push_back(layer);
}

namespace {
/// Writes y[m,o], the product of rows of x and of the weights.
class ProductWriter {
public:
  ProductWriter(Program &program, Weights weights)
      : program(program), weights(std::move(weights)),
        x(program.names.make("x")), y(program.names.make("y")) {}

  const std::string &result() const { return y; }
  void write(const GgufTensor &tensor, const ImportOptions &options);

private:
  void writeFloats();
  void writeIntegers();
  void addGroupConstants();
  Expression code() const;
  Expression ofGroups(const Expression &terms) const {
    return Expression::reduction("sum", {"g"}, terms);
  }
  Expression overGroup(const Expression &terms) const {
    return Expression::reduction("sum", {"k:" + std::to_string(weights.group)},
                                 terms);
  }

  Program &program;
  Weights weights;
  std::string x;
  std::string y;
  std::string w;
  std::string scale;
  std::string offset;
  std::string input; ///< The subscript of an input.
};
} // namespace

void ProductWriter::write(const GgufTensor &tensor,
                          const ImportOptions &options) {
  w = program.addConstant("w", std::move(weights.codes));
  program.addInput(
      {.name = x,
       .extents = {Extent::upTo("m", options.mostImages), weights.inputs}});
  program.addOutput(
      {.name = y, .extents = {Extent::declared("m"), weights.outputs}});
  program.comment(tensor.typeName() + " " + quotedForMessage(tensor.name));
  input = weights.group == 0 ? "k" : std::to_string(weights.group) + "*g + k";
  addGroupConstants();
  if (isOfIntegers(weights, options)) {
    writeIntegers();
  } else {
    writeFloats();
  }
}

void ProductWriter::addGroupConstants() {
  if (weights.group != 0) {
    scale = program.addConstant("scale", std::move(weights.scales));
  }
  if (weights.hasOffset) {
    offset = program.addConstant("offset", std::move(weights.offsets));
  }
}

Expression ProductWriter::code() const {
  const Expression code = Expression::element(w, {"o", input});
  return weights.zero == 0 ? code : code - weights.zero;
}

/// The sum of x[m,k] * weight, in the order of the inputs.
void ProductWriter::writeFloats() {
  std::vector<std::string> bounds = {"k"};
  Expression weight = code();
  if (weights.group != 0) {
    bounds = {"g", "k:" + std::to_string(weights.group)};
    weight = weight * Expression::element(scale, {"g", "o"});
  }
  if (weights.hasOffset) {
    weight = weight + Expression::element(offset, {"g", "o"});
  }
  program.assign(
      y + "[m,o]",
      Expression::reduction("sum", bounds,
                            Expression::element(x, {"m", input}) * weight));
}

/// The sums of q[m,k] * code of each group are exact; x is about d[m,g] * q.
void ProductWriter::writeIntegers() {
  const std::string q = program.names.make("x_codes");
  const std::string d = program.names.make("x_scale");
  program.includeLayers();
  program.call("(" + q + ", " + d + ")", "quantize_groups",
               "L = " + std::to_string(weights.group), {x});
  const Expression activation = Expression::element(q, {"m", input});
  const Expression step = Expression::element(d, {"m", "g"});
  Expression sum = ofGroups((step * Expression::element(scale, {"g", "o"})) *
                            overGroup(activation * code()));
  if (weights.hasOffset) {
    const std::string t = program.names.make("x_sum");
    program.assign(t + "[m,g]", step * overGroup(activation));
    sum = sum + ofGroups(Expression::element(t, {"m", "g"}) *
                         Expression::element(offset, {"g", "o"}));
  }
  program.assign(y + "[m,o]", sum);
}

Result<Program> importTensor(std::span<const std::byte> bytes,
                             const std::string &name,
                             const ImportOptions &options) {
  Result<GgufFile> file = readGguf(bytes);
  LPGEN_RETURN_IF_ERROR(file.status());
  const GgufTensor *tensor = file->find(name);
  if (!tensor) {
    return Status::error("it has no tensor " + quotedForMessage(name) +
                         "; lpgen inspect lists those that it has");
  }
  Program program(name);
  program.report.format = "GGUF";
  if (const std::string reason = reasonAgainst(*tensor); !reason.empty()) {
    program.refuse({name, tensor->typeName(), "", reason,
                    "supported are matrices of " + supportedFormats()});
    return program;
  }
  Result<Weights> weights =
      tensor->format->floats ? readFloats(*tensor) : readBlocks(*tensor);
  LPGEN_RETURN_IF_ERROR(weights.status());
  addLayer(program, *tensor, *weights, options);
  const std::string exact =
      "weights are those of the format's decoder to the bit";
  program.note(isOfIntegers(*weights, options)
                   ? "x is quantized to 8 bits in groups of " +
                         std::to_string(weights->group) + "; " + exact
                   : "x stays in binary32; " + exact);
  ProductWriter writer(program, std::move(*weights));
  program.report.layers.back().statement = writer.result();
  writer.write(*tensor, options);
  return program;
}

} // namespace lpgen::importer::gguf
