// NumPy's .npy files: how tensors come in from and go out to the user's own
// tools.
//
// Reads format versions 1 to 3, little endian, C order, of the dtypes that
// logical tensors use. A header is hostile until proved otherwise: no size in
// it is believed before it agrees with the size of the file.
#ifndef LPGEN_BASE_TENSOR_NPY_H
#define LPGEN_BASE_TENSOR_NPY_H

#include "base/system/Status.h"
#include "base/tensor/Tensor.h"
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lpgen {

/// The storage types of logical tensors under NumPy's names.
enum class NpyType {
  Int8,
  UInt8,
  Int16,
  UInt16,
  Int32,
  UInt32,
  Int64,
  Float16,
  Float32
};

/// "int8", "float32".
const char *npyTypeName(NpyType type);
/// The dtype that holds logical elements of `type`; for bf16, which NumPy does
/// not have, uint16 with their bits.
NpyType npyTypeFor(ElementType type);

/// The contents of a file: elements not yet checked against an element type.
struct NpyArray {
  std::string path; ///< For messages.
  NpyType type = NpyType::Int8;
  /// The elements, as a tensor of the storage integer or f32.
  HostTensor elements;

  /// The same elements as values of `target`. An error if the dtype is not the
  /// one for `target`, the shape is not `expectedShape` (when given), or a
  /// value is not one that `target` can hold.
  Result<HostTensor> convertTo(ElementType target,
                               const std::optional<std::vector<int64_t>>
                                   &expectedShape = std::nullopt) const;
};

Result<NpyArray> readNpy(const std::string &path);

/// Reads and converts.
Result<HostTensor> readNpyTensor(
    const std::string &path, ElementType type,
    const std::optional<std::vector<int64_t>> &expectedShape = std::nullopt);

/// What a file of format version 1.0 is made of: these bytes, then those.
std::string npyHeader(const HostTensor &tensor);
std::string_view npyElements(const HostTensor &tensor);

/// Writes such a file by OutputFiles.
Status writeNpy(const std::string &path, const HostTensor &tensor);

} // namespace lpgen

#endif // LPGEN_BASE_TENSOR_NPY_H
