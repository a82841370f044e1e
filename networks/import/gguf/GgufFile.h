// A GGUF file as its tensors; the weights stay in the file.
//
// A file is hostile until proved otherwise. What is read here is checked:
// every tensor whose type is known lies inside the file, aligned, and over no
// other one, and its rows are whole blocks. The work and the memory are bounded
// by a multiple of the file.
#ifndef LPGEN_NETWORKS_IMPORT_GGUF_GGUFFILE_H
#define LPGEN_NETWORKS_IMPORT_GGUF_GGUFFILE_H

#include "base/system/Status.h"
#include "networks/import/gguf/BlockFormat.h"
#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace lpgen::importer::gguf {

struct GgufTensor {
  std::string name;
  uint64_t place = 0; ///< Of its description, in bytes of the file.
  /// The last one is that of elements that follow each other, as in row-major
  /// order; the file has it first.
  std::vector<int64_t> shape;
  uint32_t type = 0;
  const BlockFormat *format = nullptr; ///< Null: the type is not known.
  uint64_t offset = 0;                 ///< From the data of the first tensor.
  std::span<const std::byte> data;     ///< Empty if the type is not known.

  int64_t numElements() const;
  /// "Q4_0", "type 99"
  std::string typeName() const;
};

struct GgufFile {
  uint32_t version = 0;
  std::string architecture; ///< "llama"; "" if the file does not say it.
  std::string title;        ///< As the file calls the model.
  std::vector<GgufTensor> tensors;

  /// Null if there is none.
  const GgufTensor *find(const std::string &name) const;
};

/// The message of an error is a clause about the file, with the byte at which
/// it is wrong.
Result<GgufFile> readGguf(std::span<const std::byte> bytes);

} // namespace lpgen::importer::gguf

#endif // LPGEN_NETWORKS_IMPORT_GGUF_GGUFFILE_H
