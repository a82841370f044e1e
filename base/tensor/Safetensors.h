// safetensors files: where the values of constants come from.
//
// A file is the length of its header (8 bytes, little endian), the header
// (SafetensorsHeader.h) and the elements, of which every byte belongs to one
// tensor. All of it is hostile until proved otherwise: what is opened here has
// been checked against the size of the file.
#ifndef LPGEN_BASE_TENSOR_SAFETENSORS_H
#define LPGEN_BASE_TENSOR_SAFETENSORS_H

#include "base/system/MappedFile.h"
#include "base/tensor/SafetensorsHeader.h"
#include "base/tensor/StoredTensor.h"
#include <map>
#include <span>
#include <string>

namespace lpgen {

/// The tensors of a file in memory, which is borrowed.
class SafetensorsView {
public:
  /// Checks the whole file. The message of an error is a clause about it.
  static Result<SafetensorsView> create(std::span<const std::byte> file);

  /// The values of tensor `name` as elements of `type` and `shape`. The message
  /// of an error is a clause about the file.
  Result<HostTensor> read(const std::string &name, ElementType type,
                          std::span<const int64_t> shape) const;
  /// All tensors by name.
  const std::map<std::string, SafetensorsEntry, std::less<>> &tensors() const {
    return entries;
  }

private:
  std::map<std::string, SafetensorsEntry, std::less<>> entries;
  std::span<const std::byte> data; ///< Behind the header.
};

/// A file on disk.
class SafetensorsFile {
public:
  /// An error names the file.
  static Result<SafetensorsFile> open(const std::string &path);
  /// As of the view; an error names file and tensor.
  Result<HostTensor> read(const std::string &name, ElementType type,
                          std::span<const int64_t> shape) const;

private:
  SafetensorsFile(std::string path, MappedFile file, SafetensorsView view)
      : path(std::move(path)), file(std::move(file)), view(std::move(view)) {}

  std::string path;
  MappedFile file;
  SafetensorsView view;
};

} // namespace lpgen

#endif // LPGEN_BASE_TENSOR_SAFETENSORS_H
