// A file of TFLite becomes a program.
#include "networks/import/tflite/TfliteImport.h"
#include "networks/import/tflite/Importer.h"
#include <algorithm>

namespace lpgen::importer {

using namespace tflite;

bool isTflite(std::span<const std::byte> file) {
  return FlatFile(file).identifier() == "TFL3";
}

/// Inputs and outputs of one image can be of any number of them.
static Batch batchOf(const TfliteModel &model) {
  const auto isOneImage = [&](int32_t index) {
    const std::vector<int64_t> &shape = model.tensors[size_t(index)].shape;
    return shape.size() >= 2 && shape[0] == 1;
  };
  return std::ranges::all_of(model.inputs, isOneImage) ? Batch::Any
                                                       : Batch::AsInFile;
}

static Program emptyProgram(const std::string &name, const TfliteModel &model) {
  Program program(name);
  program.report.format = "TFLite";
  program.report.producer = model.description;
  program.note("integer arithmetic is that of TFLite's reference kernels with "
               "one rounding; ADD and AVERAGE_POOL_2D of other runtimes can "
               "differ by a step");
  return program;
}

Result<Program> importTflite(const std::string &name,
                             std::span<const std::byte> bytes,
                             const ImportOptions &options) {
  FlatFile file(bytes);
  Result<TfliteModel> model = readTflite(file);
  LPGEN_RETURN_IF_ERROR(model.status());
  foldConstants(*model);
  Program program = emptyProgram(name, *model);
  const Batch batch = batchOf(*model);
  const int64_t images = options.mostImages;
  if (Importer(*model, program, batch, images).run() && batch == Batch::Any) {
    program = emptyProgram(name, *model);
    Importer(*model, program, Batch::AsInFile, images).run();
  }
  if (file.isDamaged()) {
    return Status::error("it is damaged: " + file.whatIsDamaged());
  }
  return program;
}

} // namespace lpgen::importer
