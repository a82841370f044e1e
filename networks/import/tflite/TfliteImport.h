// TFLite files as programs.
#ifndef LPGEN_NETWORKS_IMPORT_TFLITE_TFLITEIMPORT_H
#define LPGEN_NETWORKS_IMPORT_TFLITE_TFLITEIMPORT_H

#include "base/system/Status.h"
#include "networks/import/ImportOptions.h"
#include "networks/import/Program.h"
#include <cstddef>
#include <span>
#include <string>

namespace lpgen::importer {

/// The bytes begin as those of a TFLite file do.
bool isTflite(std::span<const std::byte> file);
/// Imports the bytes of a file; `name` is that of the network. What is not
/// supported stands in the program's report. An error is a clause about the
/// file.
Result<Program> importTflite(const std::string &name,
                             std::span<const std::byte> bytes,
                             const ImportOptions &options = {});

} // namespace lpgen::importer

#endif // LPGEN_NETWORKS_IMPORT_TFLITE_TFLITEIMPORT_H
