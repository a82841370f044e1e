// Host tensors: storage, and the search for values that a type cannot hold.
#include "base/tensor/Tensor.h"
#include "base/types/Scalar.h"
#include <algorithm>
#include <cstring>

namespace lpgen {

std::string shapeToString(std::span<const int64_t> shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i) {
    text += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  }
  return text + "]";
}

std::string describeValues(ElementType type) {
  if (type.isFloat()) {
    return type.encoding == Encoding::Brain ? "floats of 8 significant bits"
           : type.bits == 16 ? "floats of 11 significant bits, below 65520"
                             : "any f32";
  }
  return (type.encoding == Encoding::Bipolar ? "odd values from "
                                             : "values from ") +
         std::to_string(type.minValue()) + " to " +
         std::to_string(type.maxValue());
}

std::optional<int64_t> countElements(std::span<const int64_t> shape) {
  int64_t product = 1;
  bool overflow = false;
  bool empty = false;
  for (int64_t extent : shape) {
    if (extent < 0) {
      return std::nullopt;
    }
    empty |= extent == 0;
    overflow |= __builtin_mul_overflow(product, extent, &product);
  }
  if (empty) {
    return 0;
  }
  return overflow ? std::nullopt : std::optional<int64_t>(product);
}

/// Bytes of `shape` elements of `type`, or nothing if an allocation of that
/// size cannot exist.
static std::optional<size_t> countBytes(ElementType type,
                                        std::span<const int64_t> shape) {
  const std::optional<int64_t> count = countElements(shape);
  int64_t bytes = 0;
  if (!count ||
      __builtin_mul_overflow(*count, int64_t(type.storageBits() / 8), &bytes) ||
      uint64_t(bytes) > uint64_t(PTRDIFF_MAX)) {
    return std::nullopt;
  }
  return size_t(bytes);
}

/// One byte for no elements: kernels refuse null.
static int64_t storedBytes(size_t bytes) {
  return std::max<int64_t>(int64_t(bytes), 1);
}

HostTensor::HostTensor(ElementType type, std::vector<int64_t> shape)
    : elementType(type), extents(std::move(shape)) {
  const std::optional<size_t> bytes = countBytes(type, extents);
  assert(bytes && "shape out of bounds: use create");
  count = countElements(extents).value_or(0);
  storage.resize(storedBytes(*bytes));
}

Result<HostTensor> HostTensor::create(ElementType type,
                                      std::vector<int64_t> shape) {
  const std::optional<size_t> bytes = countBytes(type, shape);
  if (!bytes) {
    return Status::error("no tensor can have the shape " +
                         shapeToString(shape) + " of " + type.str() +
                         ": a negative extent or too many elements");
  }
  Result<AlignedBytes> storage = AlignedBytes::create(storedBytes(*bytes));
  if (!storage.ok()) {
    return Status::error("out of memory: a tensor " + shapeToString(shape) +
                         " of " + type.str() + " needs " +
                         std::to_string(*bytes) + " bytes");
  }
  HostTensor tensor;
  tensor.storage = std::move(*storage);
  std::memset(tensor.data(), 0, size_t(tensor.storage.size()));
  tensor.elementType = type;
  tensor.count = countElements(shape).value_or(0);
  tensor.extents = std::move(shape);
  return tensor;
}

int64_t HostTensor::position(std::span<const int64_t> indices) const {
  assert(indices.size() == extents.size() && "one index for each dimension");
  int64_t result = 0;
  for (size_t d = 0; d < extents.size(); ++d) {
    assert(indices[d] >= 0 && indices[d] < extents[d] && "index out of range");
    result = result * extents[d] + indices[d];
  }
  return result;
}

std::vector<int64_t> HostTensor::indicesAt(int64_t position) const {
  assert(position >= 0 && position < count && "position out of range");
  std::vector<int64_t> indices(extents.size());
  for (size_t d = extents.size(); d-- > 0;) {
    indices[d] = position % extents[d];
    position /= extents[d];
  }
  return indices;
}

void HostTensor::setInt(int64_t position, int64_t value) {
  assert(position >= 0 && position < count && !elementType.isFloat());
  const auto write = [&]<typename T>(T narrow) {
    assert(int64_t(narrow) == value && "value does not fit the storage");
    storage.as<T>()[position] = narrow;
  };
  switch (elementType.storageBits()) {
  case 8:
    return isSigned() ? write(int8_t(value)) : write(uint8_t(value));
  case 16:
    return isSigned() ? write(int16_t(value)) : write(uint16_t(value));
  case 32:
    return isSigned() ? write(int32_t(value)) : write(uint32_t(value));
  default:
    return write(value);
  }
}

float HostTensor::getNarrowFloat(int64_t position) const {
  return scalar::loadFloat(at<uint16_t>(position), elementType);
}

void HostTensor::setNarrowFloat(int64_t position, float value) {
  storage.as<uint16_t>()[position] = scalar::storeFloat(value, elementType);
}

std::string HostTensor::elementName(int64_t position) const {
  if (extents.empty()) {
    return "the value";
  }
  return "element " + shapeToString(indicesAt(position));
}

std::string HostTensor::describeIllegal(int64_t position,
                                        const std::string &value) const {
  return elementName(position) + " is " + value + ", which " +
         elementType.str() + " cannot hold (" + describeValues(elementType) +
         ")";
}

std::optional<std::string> HostTensor::firstIllegalValue() const {
  if (elementType.isFloat() || elementType.bits >= 32) {
    return std::nullopt; // Every bit pattern of the storage is a value.
  }
  for (int64_t i = 0; i < count; ++i) {
    if (const int64_t value = getInt(i); !elementType.holds(value)) {
      return describeIllegal(i, std::to_string(value));
    }
  }
  return std::nullopt;
}

std::optional<std::string> HostTensor::firstValueOutside(int64_t lo,
                                                         int64_t hi) const {
  for (int64_t i = 0; i < count; ++i) {
    if (const int64_t value = getInt(i); value < lo || value > hi) {
      return elementName(i) + " is " + std::to_string(value) + ", outside [" +
             std::to_string(lo) + ", " + std::to_string(hi) + "]";
    }
  }
  return std::nullopt;
}

} // namespace lpgen
