// Fuzz target of TFLite files: any bytes become a program or an error, without
// a crash, and the program has a text. See tests/fuzz/CMakeLists.txt for how to
// run it.
#include "networks/import/tflite/TfliteImport.h"

using namespace lpgen;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const Result<importer::Program> program =
      importer::importTflite("net", std::as_bytes(std::span(data, size)));
  if (program.ok()) {
    (void)program->text();
    (void)importer::reportText(program->report);
  }
  return 0;
}
