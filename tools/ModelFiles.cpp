// Import on the way to a command.
#include "tools/ModelFiles.h"
#include "base/system/Subprocess.h"
#include <filesystem>

namespace lpgen {

namespace fs = std::filesystem;

bool isModelFile(const std::string &path) {
  const fs::path extension = fs::path(path).extension();
  return extension == ".onnx" || extension == ".tflite" || extension == ".gguf";
}

std::string networkIn(const std::string &folder) {
  for (const fs::directory_entry &entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() == ".lp") {
      return entry.path().string();
    }
  }
  return "";
}

Result<ImportedModel> ImportedModel::import(const std::string &network,
                                            const std::string &tensor,
                                            int &exitCode) {
  Result<ScratchFolder> folder = ScratchFolder::make("lpgen-import");
  LPGEN_RETURN_IF_ERROR(folder.status());
  ImportedModel model(std::move(*folder));
  const std::string &path = model.folder.path();
  const Result<std::string> programs = programFolder();
  LPGEN_RETURN_IF_ERROR(programs.status());
  const std::string program = *programs + "/lpgen-import";
  std::vector<std::string> command = {program,   "import", network,
                                      "--quiet", "-o",     path};
  if (!tensor.empty()) {
    command.insert(command.end(), {"--tensor", tensor});
  }
  const Result<ProgramOutcome> outcome =
      runProgram(command, ProgramKind::Stand);
  LPGEN_RETURN_IF_ERROR(outcome.status());
  exitCode = outcome->exitStatus;
  model.file = networkIn(path);
  return model;
}

} // namespace lpgen
