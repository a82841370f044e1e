// Fuzz target of GGUF files: any bytes become a table of tensors or an error,
// and each tensor a program or an error, without a crash. See
// tests/fuzz/CMakeLists.txt for how to run it.
#include "networks/import/gguf/GgufImport.h"

using namespace lpgen;
using namespace lpgen::importer;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const std::span<const std::byte> bytes = std::as_bytes(std::span(data, size));
  const Result<gguf::GgufFile> file = gguf::readGguf(bytes);
  if (!file.ok()) {
    return 0;
  }
  (void)gguf::tensorsText("net", *file);
  (void)gguf::tensorsJson("net", *file);
  for (const gguf::GgufTensor &tensor : file->tensors) {
    const Result<Program> program = gguf::importTensor(bytes, tensor.name, {});
    if (program.ok()) {
      (void)program->text();
      (void)reportText(program->report);
    }
  }
  return 0;
}
