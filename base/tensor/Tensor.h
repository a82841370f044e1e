// Host tensors: dense row-major arrays of logical values, one element per
// smallest C integer that holds the type's range.
//
// This is the C layout of a kernel's unpacked arguments, of .npy files and of
// what the interpreter computes on; codes and packed layouts are not seen here.
#ifndef LPGEN_BASE_TENSOR_TENSOR_H
#define LPGEN_BASE_TENSOR_TENSOR_H

#include "base/system/Status.h"
#include "base/tensor/AlignedBytes.h"
#include "base/types/ElementType.h"
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace lpgen {

/// "[2, 3]"; "[]" for a scalar.
std::string shapeToString(std::span<const int64_t> shape);

/// "odd values from -1 to 1", "values from 0 to 3", "any f32".
std::string describeValues(ElementType type);

/// The product of the extents, or nothing if one is negative or the product
/// does not fit an int64_t.
std::optional<int64_t> countElements(std::span<const int64_t> shape);

class HostTensor {
public:
  /// An empty tensor of no elements, to be assigned to.
  HostTensor() : extents{0} {}
  /// A tensor of zero bytes. Zero is not a value of a bipolar type: fill it.
  /// The shape must be one that `create` accepts.
  HostTensor(ElementType type, std::vector<int64_t> shape);

  /// As the constructor, for shapes that come from outside: a negative or too
  /// large shape and missing memory are errors.
  static Result<HostTensor> create(ElementType type,
                                   std::vector<int64_t> shape);

  ElementType type() const { return elementType; }
  const std::vector<int64_t> &shape() const { return extents; }
  int64_t rank() const { return int64_t(extents.size()); }
  int64_t numElements() const { return count; }
  int64_t byteSize() const { return count * elementBytes(); }
  int64_t elementBytes() const { return elementType.storageBits() / 8; }
  void *data() { return storage.data(); }
  const void *data() const { return storage.data(); }

  /// Row-major position of `indices`, which must lie inside the shape.
  int64_t position(std::span<const int64_t> indices) const;
  /// The inverse of `position`.
  std::vector<int64_t> indicesAt(int64_t position) const;

  /// Element at a row-major position of an integer tensor.
  int64_t getInt(int64_t position) const {
    assert(position >= 0 && position < count && !elementType.isFloat());
    switch (elementType.storageBits()) {
    case 8:
      return isSigned() ? at<int8_t>(position) : at<uint8_t>(position);
    case 16:
      return isSigned() ? at<int16_t>(position) : at<uint16_t>(position);
    case 32:
      // Not as above: the common type of both would have no sign.
      return isSigned() ? int64_t{at<int32_t>(position)}
                        : int64_t{at<uint32_t>(position)};
    default:
      return at<int64_t>(position);
    }
  }
  /// Writes an integer element; `value` must fit the storage integer, but may
  /// be one that the element type cannot hold (`firstIllegalValue` finds
  /// those).
  void setInt(int64_t position, int64_t value);
  float getFloat(int64_t position) const {
    assert(position >= 0 && position < count && elementType.isFloat());
    return elementType.isNarrowFloat() ? getNarrowFloat(position)
                                       : at<float>(position);
  }
  /// Writes an element of a float type, rounded to nearest even if it has 16
  /// bits.
  void setFloat(int64_t position, float value) {
    assert(position >= 0 && position < count && elementType.isFloat());
    if (elementType.isNarrowFloat()) {
      setNarrowFloat(position, value);
    } else {
      storage.as<float>()[position] = value;
    }
  }

  /// The message for the element at `position`, whose value, written `value`,
  /// the type cannot hold.
  std::string describeIllegal(int64_t position, const std::string &value) const;
  /// A message that names the first element whose value the type cannot hold,
  /// such as "element [0, 3, 2] is 0, which b1 cannot hold (odd values from -1
  /// to 1)".
  std::optional<std::string> firstIllegalValue() const;
  /// The same for integers outside [lo, hi].
  std::optional<std::string> firstValueOutside(int64_t lo, int64_t hi) const;

private:
  bool isSigned() const { return elementType.isStorageSigned(); }
  template <typename T>
  T at(int64_t position) const {
    return storage.as<T>()[position];
  }
  float getNarrowFloat(int64_t position) const;
  void setNarrowFloat(int64_t position, float value);
  std::string elementName(int64_t position) const;

  ElementType elementType;
  std::vector<int64_t> extents;
  int64_t count = 0;
  AlignedBytes storage;
};

} // namespace lpgen

#endif // LPGEN_BASE_TENSOR_TENSOR_H
