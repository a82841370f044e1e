// Elements of a tensor: raw bytes, typed fields, or a part of another file.
#include "networks/import/onnx/Tensors.h"
#include "base/system/MappedFile.h"
#include "base/system/Text.h"
#include "base/tensor/Tensor.h"
#include "base/types/Scalar.h"
#include "networks/import/onnx/Model.h"
#include <bit>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <onnx/onnx_pb.h>

namespace lpgen::importer::onnx {

using ::onnx::TensorProto;

/// Numbers of a tensor may take so much memory.
constexpr int64_t maxElements = int64_t{1} << 28;

static constexpr DataTypeInfo dataTypes[] = {
    {DataType::Float, "float", 32, false, true},
    {DataType::UInt8, "uint8", 8, true, false},
    {DataType::Int8, "int8", 8, true, true},
    {DataType::UInt16, "uint16", 16, true, false},
    {DataType::Int16, "int16", 16, true, true},
    {DataType::Int32, "int32", 32, true, true},
    {DataType::Int64, "int64", 64, true, true},
    {DataType::Bool, "bool", 8, true, false},
    {DataType::Float16, "float16", 16, false, true},
    {DataType::Double, "double", 64, false, true},
    {DataType::UInt32, "uint32", 32, true, false},
    {DataType::UInt64, "uint64", 64, true, false},
    {DataType::BFloat16, "bfloat16", 16, false, true},
    {DataType::UInt4, "uint4", 4, true, false},
    {DataType::Int4, "int4", 4, true, true},
    {DataType::UInt2, "uint2", 2, true, false},
    {DataType::Int2, "int2", 2, true, true},
};

const DataTypeInfo *findDataType(int code) {
  for (const DataTypeInfo &info : dataTypes) {
    if (int(info.type) == code) {
      return &info;
    }
  }
  return nullptr;
}

/// The low `bits` of a word as an integer.
static double integerOf(uint64_t word, const DataTypeInfo &type) {
  const unsigned unused = 64 - type.bits;
  return type.isSigned ? double(int64_t(word << unused) >> unused)
                       : double((word << unused) >> unused);
}

/// The number whose bits are the low ones of `word`.
static double numberOf(uint64_t word, const DataTypeInfo &type) {
  switch (type.type) {
  case DataType::Float:
    return std::bit_cast<float>(uint32_t(word));
  case DataType::Double:
    return std::bit_cast<double>(word);
  case DataType::Float16:
    return scalar::halfToFloat(uint16_t(word));
  case DataType::BFloat16:
    return scalar::brainToFloat(uint16_t(word));
  default:
    return integerOf(word, type);
  }
}

/// Element i of packed elements; the first one is in the lowest bits.
static uint64_t wordAt(std::string_view bytes, int64_t i, unsigned bits) {
  if (bits < 8) {
    const auto byte = static_cast<unsigned char>(bytes[size_t(i * bits / 8)]);
    return byte >> (i * bits % 8);
  }
  uint64_t word = 0;
  std::memcpy(&word, bytes.data() + i * bits / 8, bits / 8);
  return word;
}

static Status readRaw(std::string_view bytes, const DataTypeInfo &type,
                      int64_t count, Constant &constant) {
  if (int64_t(bytes.size()) != (count * type.bits + 7) / 8) {
    return Status::error("it has " + std::to_string(bytes.size()) +
                         " bytes of elements, its shape " +
                         shapeToString(constant.shape) + " of " + type.name +
                         " needs " +
                         std::to_string((count * type.bits + 7) / 8));
  }
  constant.values.reserve(size_t(count));
  for (int64_t i = 0; i < count; ++i) {
    constant.values.push_back(numberOf(wordAt(bytes, i, type.bits), type));
  }
  return Status::success();
}

/// Elements of the typed fields; below 8 bits an entry has one packed byte.
static Status readFields(const TensorProto &tensor, const DataTypeInfo &type,
                         int64_t count, Constant &constant) {
  if (type.bits < 8) {
    std::string bytes;
    for (const int32_t entry : tensor.int32_data()) {
      bytes += static_cast<char>(entry);
    }
    return readRaw(bytes, type, count, constant);
  }
  const auto append = [&](const auto &field) {
    constant.values.assign(field.begin(), field.end());
  };
  switch (type.type) {
  case DataType::Float:
    append(tensor.float_data());
    break;
  case DataType::Double:
    append(tensor.double_data());
    break;
  case DataType::Int64:
    append(tensor.int64_data());
    break;
  case DataType::UInt32:
  case DataType::UInt64:
    append(tensor.uint64_data());
    break;
  case DataType::Float16:
  case DataType::BFloat16:
    for (const int32_t entry : tensor.int32_data()) {
      constant.values.push_back(numberOf(uint64_t(uint32_t(entry)), type));
    }
    break;
  default:
    for (const int32_t entry : tensor.int32_data()) {
      constant.values.push_back(integerOf(uint64_t(int64_t(entry)), type));
    }
  }
  if (constant.count() != count) {
    return Status::error(
        "it has " + std::to_string(constant.count()) + " elements, its shape " +
        shapeToString(constant.shape) + " needs " + std::to_string(count));
  }
  return Status::success();
}

/// A number of an external tensor's entries.
static std::optional<uint64_t> numberIn(const std::string &text) {
  uint64_t number = 0;
  const char *end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number);
  return parsed.ec == std::errc() && parsed.ptr == end ? std::optional(number)
                                                       : std::nullopt;
}

/// The file is a link to one in another folder.
static bool leadsOut(const std::string &folder, const std::string &name) {
  namespace fs = std::filesystem;
  std::error_code error;
  const fs::path real = fs::canonical(fs::path(folder) / name, error);
  return !error && real.parent_path() != fs::canonical(folder, error);
}

static Status readExternal(const TensorProto &tensor, const std::string &folder,
                           const DataTypeInfo &type, int64_t count,
                           Constant &constant) {
  std::string location;
  uint64_t offset = 0;
  std::optional<uint64_t> length;
  for (const auto &entry : tensor.external_data()) {
    const std::optional<uint64_t> number = numberIn(entry.value());
    if (entry.key() == "location") {
      location = entry.value();
    } else if (entry.key() == "offset" || entry.key() == "length") {
      if (!number) {
        return Status::error("its " + entry.key() + " is no number: " +
                             quotedForMessage(entry.value()));
      }
      (entry.key() == "offset" ? offset : length.emplace()) = *number;
    }
  }
  // One name in the folder of the model, and no link that leads out of it.
  if (location.empty() || location.find('/') != std::string::npos ||
      location.find('\0') != std::string::npos || location == "..") {
    return Status::error(
        "its data is in " + quotedForMessage(location) +
        ", which is not a file beside the model; put it there");
  }
  if (leadsOut(folder, location)) {
    return Status::error("its data is in " + quotedForMessage(location) +
                         ", a link that leads out of the model's folder; put "
                         "the file itself there");
  }
  const Result<MappedFile> file = MappedFile::open(folder + "/" + location);
  if (!file.ok()) {
    return Status::error("its data in " + quotedForMessage(location) +
                         " cannot be read: " + file.message());
  }
  const auto bytes = file->bytes();
  if (offset > bytes.size() ||
      length.value_or(bytes.size() - offset) > bytes.size() - offset) {
    return Status::error("its data lies outside " + quotedForMessage(location));
  }
  return readRaw({reinterpret_cast<const char *>(bytes.data()) + offset,
                  size_t(length.value_or(bytes.size() - offset))},
                 type, count, constant);
}

Result<Constant> readTensor(const TensorProto &tensor,
                            const std::string &folder) {
  const std::string name = "tensor " + quotedForMessage(tensor.name());
  const DataTypeInfo *type = findDataType(tensor.data_type());
  if (!type) {
    return Status::error(name + " has elements of the type with code " +
                         std::to_string(tensor.data_type()) +
                         ", which is not supported");
  }
  Constant constant{.name = tensor.name(),
                    .shape = {tensor.dims().begin(), tensor.dims().end()},
                    .values = {},
                    .isInteger = type->isInteger,
                    .bits = type->bits,
                    .isSigned = type->isSigned};
  constexpr size_t mostDimensions = 16;
  const std::optional<int64_t> count = countElements(constant.shape);
  if (!count || *count > maxElements ||
      constant.shape.size() > mostDimensions) {
    return Status::error(name + " has the shape " +
                         shapeToString(constant.shape) +
                         ", which is negative or too large");
  }
  const Status status =
      tensor.data_location() == TensorProto::EXTERNAL
          ? readExternal(tensor, folder, *type, *count, constant)
      : tensor.has_raw_data()
          ? readRaw(tensor.raw_data(), *type, *count, constant)
          : readFields(tensor, *type, *count, constant);
  if (!status.ok()) {
    return Status::error(name + ": " + status.message());
  }
  return constant;
}

} // namespace lpgen::importer::onnx
