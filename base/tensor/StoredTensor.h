// Elements as a file of weights stores them, and their conversion to the
// element type that an operator declares.
//
// A file has one logical element in one element of its own, of any type that
// holds the value; sub-byte storage is unpacked before.
#ifndef LPGEN_BASE_TENSOR_STOREDTENSOR_H
#define LPGEN_BASE_TENSOR_STOREDTENSOR_H

#include "base/system/Status.h"
#include "base/tensor/Tensor.h"
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace lpgen {

/// The types that are read.
enum class StoredType { I8, U8, I16, U16, I32, U32, I64, U64, F16, BF16, F32 };

/// "I8", "BF16": as safetensors spells them.
const char *storedTypeName(StoredType type);
std::optional<StoredType> parseStoredType(std::string_view name);
/// The type in which a tensor of integers with 8, 16, 32 or 64 bits, or of
/// floats, is stored as it is.
StoredType storedTypeOf(ElementType type);
/// Bytes of one element.
int64_t storedBytes(StoredType type);

/// A tensor in a file, little endian and row-major; `bytes` are borrowed and
/// may have any alignment.
struct StoredTensor {
  StoredType type = StoredType::I8;
  std::vector<int64_t> shape;
  std::span<const std::byte> bytes; ///< As many as shape and type need.
};

/// The elements as values of `target`, exactly: integers of any width for
/// integers, F32, F16 and BF16 for floats. An error says what the file holds,
/// or names the first element whose value `target` cannot hold.
Result<HostTensor> convertStored(const StoredTensor &stored,
                                 ElementType target);

} // namespace lpgen

#endif // LPGEN_BASE_TENSOR_STOREDTENSOR_H
