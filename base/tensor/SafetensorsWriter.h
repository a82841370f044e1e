// Writing of safetensors files, which Safetensors.h reads.
#ifndef LPGEN_BASE_TENSOR_SAFETENSORSWRITER_H
#define LPGEN_BASE_TENSOR_SAFETENSORSWRITER_H

#include "base/system/OutputFiles.h"
#include "base/tensor/Tensor.h"
#include <span>
#include <string>

namespace lpgen {

/// A tensor of a file; the values are borrowed.
struct NamedTensor {
  std::string name; ///< UTF-8, no name twice.
  const HostTensor *values = nullptr;
};

/// Adds FOLDER/NAME with the tensors, whose values must be there until `files`
/// are written.
void addSafetensors(OutputFiles &files, const std::string &folder,
                    const std::string &name,
                    std::span<const NamedTensor> tensors);

} // namespace lpgen

#endif // LPGEN_BASE_TENSOR_SAFETENSORSWRITER_H
