// GGUF files: their tensors as a table, and one of them as a program.
#ifndef LPGEN_NETWORKS_IMPORT_GGUF_GGUFIMPORT_H
#define LPGEN_NETWORKS_IMPORT_GGUF_GGUFIMPORT_H

#include "base/system/Status.h"
#include "networks/import/ImportOptions.h"
#include "networks/import/Program.h"
#include "networks/import/gguf/GgufFile.h"
#include <cstddef>
#include <span>
#include <string>

namespace lpgen::importer::gguf {

/// The bytes begin as those of a GGUF file do.
bool isGguf(std::span<const std::byte> file);

/// The product of rows of x with the tensor `name`, which is that of the
/// program as well. What is not supported stands in its report. An error is a
/// clause about the file.
Result<Program> importTensor(std::span<const std::byte> bytes,
                             const std::string &name,
                             const ImportOptions &options);

/// Why a tensor is no product that can be imported; "" if it is one.
std::string reasonAgainst(const GgufTensor &tensor);
/// A tensor of two dimensions or more cannot be imported.
bool hasUnsupportedMatrix(const GgufFile &file);
/// The tensors of a file, for people; `name` is that of the file.
std::string tensorsText(const std::string &name, const GgufFile &file);
/// The same as JSON.
std::string tensorsJson(const std::string &name, const GgufFile &file);

} // namespace lpgen::importer::gguf

#endif // LPGEN_NETWORKS_IMPORT_GGUF_GGUFIMPORT_H
