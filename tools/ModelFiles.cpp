// Import on the way to a command.
#include "tools/ModelFiles.h"
#include "base/system/Subprocess.h"
#include "base/system/SystemError.h"
#include <cerrno>
#include <cstdlib>
#include <filesystem>

namespace lpgen {

namespace fs = std::filesystem;

bool isModelFile(const std::string &path) {
  const fs::path extension = fs::path(path).extension();
  return extension == ".onnx" || extension == ".tflite" || extension == ".gguf";
}

Result<ImportedModel> ImportedModel::import(const std::string &path,
                                            const std::string &tensor,
                                            int &exitCode) {
  std::error_code error;
  std::string folder =
      (fs::temp_directory_path(error) / "lpgen-import.XXXXXX").string();
  if (error || !::mkdtemp(folder.data())) {
    return Status::error("cannot make a temporary folder '" + folder +
                         "': " + describeSystemError(errno));
  }
  ImportedModel model;
  model.folder = folder;
  model.unfinished = UnfinishedFile(folder);
  const Result<std::string> programs = programFolder();
  LPGEN_RETURN_IF_ERROR(programs.status());
  const std::string program = *programs + "/lpgen-import";
  std::vector<std::string> command = {program,   "import", path,
                                      "--quiet", "-o",     folder};
  if (!tensor.empty()) {
    command.insert(command.end(), {"--tensor", tensor});
  }
  const Result<ProgramOutcome> outcome =
      runProgram(command, ProgramKind::Stand);
  LPGEN_RETURN_IF_ERROR(outcome.status());
  exitCode = outcome->exitStatus;
  for (const fs::directory_entry &entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() == ".lp") {
      model.file = entry.path().string();
    }
  }
  return model;
}

ImportedModel::~ImportedModel() {
  if (!folder.empty()) {
    std::error_code ignored;
    fs::remove_all(folder, ignored);
  }
}

} // namespace lpgen
