// Conversion of stored elements. See StoredTensor.h.
#include "base/tensor/StoredTensor.h"
#include "base/types/Scalar.h"
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <iterator>
#include <utility>

static_assert(std::endian::native == std::endian::little,
              "stored elements are copied as they are");

namespace lpgen {
namespace {

struct StoredRow {
  StoredType type;
  const char *name;
  int64_t bytes;
};
constexpr StoredRow storedTypes[] = {
    {StoredType::I8, "I8", 1},   {StoredType::U8, "U8", 1},
    {StoredType::I16, "I16", 2}, {StoredType::U16, "U16", 2},
    {StoredType::I32, "I32", 4}, {StoredType::U32, "U32", 4},
    {StoredType::I64, "I64", 8}, {StoredType::U64, "U64", 8},
    {StoredType::F16, "F16", 2}, {StoredType::BF16, "BF16", 2},
    {StoredType::F32, "F32", 4},
};

const StoredRow &rowOf(StoredType type) {
  for (const StoredRow &row : storedTypes) {
    if (row.type == type) {
      return row;
    }
  }
  assert(false && "a row for every type");
  return storedTypes[0];
}

template <typename T>
T load(const StoredTensor &stored, int64_t position) {
  T value;
  std::memcpy(&value, stored.bytes.data() + position * int64_t(sizeof(T)),
              sizeof(T));
  return value;
}

/// The value of an element; nothing if it is no float.
std::optional<float> loadFloat(const StoredTensor &stored, int64_t position) {
  switch (stored.type) {
  case StoredType::F16:
    return scalar::halfToFloat(load<uint16_t>(stored, position));
  case StoredType::BF16:
    return scalar::brainToFloat(load<uint16_t>(stored, position));
  case StoredType::F32:
    return load<float>(stored, position);
  default:
    return std::nullopt;
  }
}

/// The fewest digits that tell the value.
std::string textOf(float value) {
  char text[32];
  return {text, std::to_chars(std::begin(text), std::end(text), value).ptr};
}

Status convertFloats(const StoredTensor &stored, HostTensor &result) {
  for (int64_t i = 0; i < result.numElements(); ++i) {
    const std::optional<float> value = loadFloat(stored, i);
    if (!value) {
      return Status::error(
          std::string("it holds ") + storedTypeName(stored.type) +
          ", expected F32, F16 or BF16 for elements of " + result.type().str());
    }
    result.setFloat(i, *value);
    if (result.getFloat(i) != *value && !std::isnan(*value)) {
      return Status::error(result.describeIllegal(i, textOf(*value)));
    }
  }
  return Status::success();
}

template <typename T>
Status convertIntegers(const StoredTensor &stored, HostTensor &result) {
  for (int64_t i = 0; i < result.numElements(); ++i) {
    const T value = load<T>(stored, i);
    if (!std::in_range<int64_t>(value) ||
        !result.type().holds(int64_t(value))) {
      return Status::error(result.describeIllegal(i, std::to_string(value)));
    }
    result.setInt(i, int64_t(value));
  }
  return Status::success();
}

Status convertElements(const StoredTensor &stored, HostTensor &result) {
  if (result.type().isFloat()) {
    return convertFloats(stored, result);
  }
  switch (stored.type) {
  case StoredType::I8:
    return convertIntegers<int8_t>(stored, result);
  case StoredType::U8:
    return convertIntegers<uint8_t>(stored, result);
  case StoredType::I16:
    return convertIntegers<int16_t>(stored, result);
  case StoredType::U16:
    return convertIntegers<uint16_t>(stored, result);
  case StoredType::I32:
    return convertIntegers<int32_t>(stored, result);
  case StoredType::U32:
    return convertIntegers<uint32_t>(stored, result);
  case StoredType::I64:
    return convertIntegers<int64_t>(stored, result);
  case StoredType::U64:
    return convertIntegers<uint64_t>(stored, result);
  case StoredType::F16:
  case StoredType::BF16:
  case StoredType::F32:
    return Status::error(
        std::string("it holds ") + storedTypeName(stored.type) +
        ", expected integers for elements of " + result.type().str());
  }
  return Status::success();
}

} // namespace

const char *storedTypeName(StoredType type) { return rowOf(type).name; }

std::optional<StoredType> parseStoredType(std::string_view name) {
  for (const StoredRow &row : storedTypes) {
    if (name == row.name) {
      return row.type;
    }
  }
  return std::nullopt;
}

StoredType storedTypeOf(ElementType type) {
  if (type.isFloat()) {
    return parseStoredType(type.encoding == Encoding::Brain ? "BF16"
                           : type.bits == 16                ? "F16"
                                                            : "F32")
        .value_or(StoredType::F32);
  }
  const std::string bits = std::to_string(type.storageBits());
  const char *kind = type.isStorageSigned() ? "I" : "U";
  return parseStoredType(kind + bits).value_or(StoredType::I64);
}

int64_t storedBytes(StoredType type) { return rowOf(type).bytes; }

Result<HostTensor> convertStored(const StoredTensor &stored,
                                 ElementType target) {
  Result<HostTensor> result = HostTensor::create(target, stored.shape);
  if (!result.ok()) {
    return result;
  }
  assert(int64_t(stored.bytes.size()) ==
             result->numElements() * storedBytes(stored.type) &&
         "the bytes of the shape");
  LPGEN_RETURN_IF_ERROR(convertElements(stored, *result));
  return result;
}

} // namespace lpgen
