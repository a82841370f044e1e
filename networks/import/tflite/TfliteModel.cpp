// The tables of the format, by the numbers of their fields.
#include "networks/import/tflite/TfliteModel.h"
#include "base/system/Text.h"
#include <algorithm>
#include <cmath>

namespace lpgen::importer::tflite {

std::string typeName(TensorType type) {
  switch (type) {
  case TensorType::Float32:
    return "FLOAT32";
  case TensorType::Float16:
    return "FLOAT16";
  case TensorType::Int32:
    return "INT32";
  case TensorType::UInt8:
    return "UINT8";
  case TensorType::Int64:
    return "INT64";
  case TensorType::Bool:
    return "BOOL";
  case TensorType::Int16:
    return "INT16";
  case TensorType::Int8:
    return "INT8";
  case TensorType::Int4:
    return "INT4";
  }
  return "type " + std::to_string(static_cast<int>(type));
}

unsigned storedBits(TensorType type) {
  switch (type) {
  case TensorType::Int4:
    return 4;
  case TensorType::UInt8:
  case TensorType::Int8:
  case TensorType::Bool:
    return 8;
  case TensorType::Float16:
  case TensorType::Int16:
    return 16;
  case TensorType::Float32:
  case TensorType::Int32:
    return 32;
  case TensorType::Int64:
    return 64;
  }
  return 0;
}

int64_t TfliteTensor::numElements() const {
  int64_t count = 1;
  for (const int64_t extent : shape) {
    count *= extent;
  }
  return count;
}

namespace {
/// Of each table, its fields.
struct ModelField {
  enum { Codes = 1, Subgraphs, Description, Buffers };
};
struct CodeField {
  enum { OldBuiltin, CustomName, Version, Builtin };
};
struct SubgraphField {
  enum { Tensors, Inputs, Outputs, Operators, Name };
};
struct TensorField {
  enum { Shape, Type, Buffer, Name, Quantization, IsVariable, Sparsity };
};
struct QuantizationField {
  enum { Least, Most, Scale, ZeroPoint, DetailsType, Details, Dimension };
};
struct OperatorField {
  enum { Code, Inputs, Outputs, OptionsType, Options, Custom };
};
struct BufferField {
  enum { Data, Offset, Size };
};
} // namespace

/// The data of a buffer; the largest files have it behind their tables.
static std::span<const std::byte> bufferData(FlatFile &file,
                                             const FlatTable &buffer) {
  const auto offset = buffer.number<uint64_t>(BufferField::Offset);
  const auto size = buffer.number<uint64_t>(BufferField::Size);
  if (offset > 1) {
    return file.holds(offset, size) ? file.bytes().subspan(offset, size)
                                    : std::span<const std::byte>();
  }
  return buffer.bytes(BufferField::Data);
}

static void readQuantization(const FlatTable &from, TfliteTensor &tensor) {
  tensor.scales = from.numbers<float>(QuantizationField::Scale);
  tensor.zeroPoints = from.numbers<int64_t>(QuantizationField::ZeroPoint);
  tensor.quantizedDimension =
      from.number<int32_t>(QuantizationField::Dimension);
  tensor.isBlockwise =
      from.number<uint8_t>(QuantizationField::DetailsType) != 0;
}

/// Checks what the format promises of every tensor.
static Status checkTensor(const TfliteTensor &tensor) {
  constexpr size_t mostDimensions = 16;
  constexpr int64_t mostElements = int64_t{1} << 31;
  const std::string named = "tensor " + quotedForMessage(tensor.name);
  if (tensor.shape.size() > mostDimensions) {
    return Status::error(named + " has more than 16 dimensions");
  }
  int64_t count = 1;
  for (const int64_t extent : tensor.shape) {
    // Tensors that nothing holds can have an extent of 0.
    if (extent < 0 || (count > 0 && extent > mostElements / count)) {
      return Status::error(named + " has an extent of " +
                           std::to_string(extent) +
                           ", or more than 2^31 elements");
    }
    count *= extent;
  }
  const auto bits = int64_t{storedBits(tensor.type)};
  if (tensor.isConstant() && bits != 0 && !tensor.isSparse &&
      int64_t(tensor.data.size()) != (count * bits + 7) / 8) {
    return Status::error(named + " has " + std::to_string(tensor.data.size()) +
                         " bytes of data, but its shape and type need " +
                         std::to_string((count * bits + 7) / 8));
  }
  const bool isSmall = std::ranges::all_of(tensor.zeroPoints, [](int64_t zero) {
    return zero >= INT32_MIN && zero <= INT32_MAX;
  });
  if (!isSmall) {
    return Status::error(named + " has a zero point beyond 32 bits");
  }
  const bool isFinite = std::ranges::all_of(tensor.scales, [](float scale) {
    return std::isfinite(scale) && scale >= 0;
  });
  if (!isFinite) {
    return Status::error(named + " has a scale that is no positive number");
  }
  return Status::success();
}

static Result<TfliteTensor>
readTensor(const FlatTable &from,
           std::span<const std::span<const std::byte>> buffers) {
  TfliteTensor tensor;
  tensor.name = from.string(TensorField::Name);
  tensor.type = static_cast<TensorType>(from.number<int8_t>(TensorField::Type));
  for (const int32_t extent : from.numbers<int32_t>(TensorField::Shape)) {
    tensor.shape.push_back(extent);
  }
  const auto buffer = from.number<uint32_t>(TensorField::Buffer);
  if (buffer >= buffers.size() && buffer != 0) {
    return Status::error("tensor " + quotedForMessage(tensor.name) +
                         " has buffer " + std::to_string(buffer) + " of " +
                         std::to_string(buffers.size()));
  }
  tensor.data =
      buffers.empty() ? std::span<const std::byte>() : buffers[buffer];
  tensor.isVariable = from.flag(TensorField::IsVariable);
  tensor.isSparse = from.table(TensorField::Sparsity).has_value();
  if (const auto quantization = from.table(TensorField::Quantization)) {
    readQuantization(*quantization, tensor);
  }
  LPGEN_RETURN_IF_ERROR(checkTensor(tensor));
  return tensor;
}

/// Tensors are named by their number; -1 is none.
static Status checkIndices(std::span<const int32_t> indices, int32_t least,
                           size_t count, const std::string &what) {
  for (const int32_t index : indices) {
    if (index < least || index >= int64_t(count)) {
      return Status::error(what + " names tensor " + std::to_string(index) +
                           " of " + std::to_string(count));
    }
  }
  return Status::success();
}

static Status readOperators(const FlatTable &graph,
                            std::span<const TfliteOperator> kinds,
                            TfliteModel &model) {
  for (const FlatTable &from : graph.tables(SubgraphField::Operators)) {
    const auto kind = from.number<uint32_t>(OperatorField::Code);
    const std::string what =
        "operator " + std::to_string(model.operators.size());
    if (kind >= kinds.size()) {
      return Status::error(what + " has code " + std::to_string(kind) + " of " +
                           std::to_string(kinds.size()));
    }
    TfliteOperator op = kinds[kind];
    op.inputs = from.numbers<int32_t>(OperatorField::Inputs);
    op.outputs = from.numbers<int32_t>(OperatorField::Outputs);
    op.options = from.table(OperatorField::Options);
    op.custom = from.bytes(OperatorField::Custom);
    const size_t count = model.tensors.size();
    LPGEN_RETURN_IF_ERROR(checkIndices(op.inputs, -1, count, what));
    LPGEN_RETURN_IF_ERROR(checkIndices(op.outputs, 0, count, what));
    if (op.outputs.empty()) {
      return Status::error(what + " has no output");
    }
    model.operators.push_back(std::move(op));
    constexpr size_t mostOperators = 1 << 14;
    if (model.operators.size() > mostOperators) {
      return Status::error("it has more than 2^14 operators");
    }
  }
  return Status::success();
}

static std::vector<TfliteOperator> readCodes(const FlatTable &root) {
  std::vector<TfliteOperator> kinds;
  for (const FlatTable &from : root.tables(ModelField::Codes)) {
    TfliteOperator kind;
    // Files of before 2020 have the first of the two alone.
    kind.code = std::max<int32_t>(from.number<int8_t>(CodeField::OldBuiltin),
                                  from.number<int32_t>(CodeField::Builtin));
    kind.customName = from.string(CodeField::CustomName);
    kinds.push_back(std::move(kind));
  }
  return kinds;
}

static Status readGraph(FlatFile &file, const FlatTable &root,
                        const FlatTable &graph, TfliteModel &model) {
  std::vector<std::span<const std::byte>> buffers;
  for (const FlatTable &buffer : root.tables(ModelField::Buffers)) {
    buffers.push_back(bufferData(file, buffer));
  }
  for (const FlatTable &from : graph.tables(SubgraphField::Tensors)) {
    Result<TfliteTensor> tensor = readTensor(from, buffers);
    LPGEN_RETURN_IF_ERROR(tensor.status());
    model.tensors.push_back(std::move(*tensor));
  }
  model.name = graph.string(SubgraphField::Name);
  model.inputs = graph.numbers<int32_t>(SubgraphField::Inputs);
  model.outputs = graph.numbers<int32_t>(SubgraphField::Outputs);
  const size_t count = model.tensors.size();
  LPGEN_RETURN_IF_ERROR(checkIndices(model.inputs, 0, count, "the graph"));
  LPGEN_RETURN_IF_ERROR(checkIndices(model.outputs, 0, count, "the graph"));
  if (model.inputs.empty() || model.outputs.empty()) {
    return Status::error("its graph has no input or no output");
  }
  return readOperators(graph, readCodes(root), model);
}

Result<TfliteModel> readTflite(FlatFile &file) {
  if (file.identifier() != "TFL3") {
    return Status::error("it is no TFLite file: bytes 4 to 7 are not 'TFL3'");
  }
  const FlatTable root = file.root();
  const std::vector<FlatTable> graphs = root.tables(ModelField::Subgraphs);
  TfliteModel model;
  model.fileBytes = file.bytes().size();
  model.description = root.string(ModelField::Description);
  const Status read = graphs.empty() ? Status::error("it has no graph")
                                     : readGraph(file, root, graphs[0], model);
  if (file.isDamaged()) {
    return Status::error("it is damaged: " + file.whatIsDamaged());
  }
  LPGEN_RETURN_IF_ERROR(read);
  return model;
}

} // namespace lpgen::importer::tflite
