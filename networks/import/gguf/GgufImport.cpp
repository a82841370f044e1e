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

static void addLayer(Program &program, const GgufTensor &tensor,
                     const Weights &weights) {
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
  program.report.layers.push_back(layer);
}

/// y[m,o] = the sum of x[m,k] * weight, in the order of the inputs.
static void writeProduct(Program &program, const GgufTensor &tensor,
                         Weights weights, int64_t mostRows) {
  const std::string x = program.names.make("x");
  const std::string y = program.names.make("y");
  const std::string w = program.addConstant("w", std::move(weights.codes));
  program.addInput(
      {.name = x, .extents = {Extent::upTo("m", mostRows), weights.inputs}});
  program.addOutput(
      {.name = y, .extents = {Extent::declared("m"), weights.outputs}});
  program.comment(tensor.typeName() + " " + quotedForMessage(tensor.name));
  std::vector<std::string> bounds = {"k"};
  std::string input = "k";
  if (weights.group != 0) {
    bounds = {"g", "k:" + std::to_string(weights.group)};
    input = std::to_string(weights.group) + "*g + k";
  }
  Expression weight = Expression::element(w, {"o", input});
  if (weights.zero != 0) {
    weight = weight - weights.zero;
  }
  if (weights.group != 0) {
    const std::string scale =
        program.addConstant("scale", std::move(weights.scales));
    weight = weight * Expression::element(scale, {"g", "o"});
  }
  if (weights.hasOffset) {
    const std::string offset =
        program.addConstant("offset", std::move(weights.offsets));
    weight = weight + Expression::element(offset, {"g", "o"});
  }
  program.assign(
      y + "[m,o]",
      Expression::reduction("sum", bounds,
                            Expression::element(x, {"m", input}) * weight));
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
  addLayer(program, *tensor, *weights);
  program.note("x stays in binary32; weights are those of the format's "
               "decoder to the bit");
  writeProduct(program, *tensor, std::move(*weights), options.mostImages);
  return program;
}

} // namespace lpgen::importer::gguf
