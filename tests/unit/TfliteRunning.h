// Imports a TFLite file and computes what the operators that it becomes mean.
#ifndef LPGEN_TESTS_UNIT_TFLITERUNNING_H
#define LPGEN_TESTS_UNIT_TFLITERUNNING_H

#include "networks/import/tflite/TfliteImport.h"
#include "tests/unit/ProgramRunning.h"

namespace lpgen::testing {

inline Result<importer::Program> importText(const std::string &file) {
  return importer::importTflite("net", std::as_bytes(std::span(file)));
}

/// The numbers of the only output for those of the only input, for `images`
/// images. The program must parse without a message.
inline std::vector<double> runImportedReals(const std::string &file,
                                            const std::vector<double> &input,
                                            int64_t images = 1) {
  const Result<importer::Program> program = importText(file);
  if (!program.ok() || !program->report.isSupported()) {
    ADD_FAILURE() << (program.ok()
                          ? importer::describe(program->report.findings[0])
                          : program.message());
    return {};
  }
  return runProgram(*program, input, images);
}

/// The same on integers.
inline std::vector<int64_t> runImported(const std::string &file,
                                        const std::vector<int64_t> &input,
                                        int64_t images = 1) {
  const std::vector<double> result =
      runImportedReals(file, {input.begin(), input.end()}, images);
  return {result.begin(), result.end()};
}

} // namespace lpgen::testing

#endif // LPGEN_TESTS_UNIT_TFLITERUNNING_H
