// An ONNX file as a program: QONNX, FINN's, QDQ, QOperator and plain files.
#ifndef LPGEN_NETWORKS_IMPORT_ONNX_IMPORT_H
#define LPGEN_NETWORKS_IMPORT_ONNX_IMPORT_H

#include "networks/import/ImportOptions.h"
#include "networks/import/Program.h"
#include <cstddef>
#include <span>

namespace lpgen::importer::onnx {

/// Fills the program, whose report has what is not supported. `folder` is that
/// of the file. An error if the bytes are no such file.
Status importModel(std::span<const std::byte> bytes, const std::string &folder,
                   const ImportOptions &options, Program &program);

} // namespace lpgen::importer::onnx

#endif // LPGEN_NETWORKS_IMPORT_ONNX_IMPORT_H
