// Fuzz target of ONNX files: any bytes are a program with its report or an
// error, without a crash. See tests/fuzz/CMakeLists.txt for how to run it.
#include "networks/import/onnx/Import.h"

using namespace lpgen;
using namespace lpgen::importer;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  Program program("fuzz");
  // No file of this folder has the name of a tensor's data.
  const Status status =
      onnx::importModel(std::as_bytes(std::span(data, size)), "/nonexistent",
                        ImportOptions(), program);
  if (status.ok() && program.report.isSupported()) {
    program.text();
  }
  reportJson(program.report);
  reportText(program.report);
  return 0;
}
