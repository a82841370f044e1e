// Writing of safetensors files, which Safetensors.h reads.
#ifndef LPGEN_BASE_TENSOR_SAFETENSORSWRITER_H
#define LPGEN_BASE_TENSOR_SAFETENSORSWRITER_H

#include "base/tensor/Tensor.h"
#include <span>
#include <string>

namespace lpgen {

/// A tensor of a file; the values are borrowed.
struct NamedTensor {
  std::string name; ///< UTF-8, no name twice.
  const HostTensor *values = nullptr;
};

/// What stands before the elements; these follow in the order of the tensors
/// (npyElements), and that is the whole file.
std::string safetensorsHeader(std::span<const NamedTensor> tensors);

} // namespace lpgen

#endif // LPGEN_BASE_TENSOR_SAFETENSORSWRITER_H
