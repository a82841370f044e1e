// `lpgen inspect`: the table of lpgen-import, with the kernels that the layers
// get. lpgen-import reads the file; a first run of it writes the network, whose
// schedules are chosen here.
#include "tools/InspectCommand.h"
#include "base/system/OutputFiles.h"
#include "base/system/ScratchFolder.h"
#include "base/system/Subprocess.h"
#include "tools/CommonOptions.h"
#include "tools/ModelFiles.h"
#include "workbench/layers/LayerTable.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"

namespace lpgen {

using Words = std::vector<std::string>;

/// Takes `NAME VALUE` or `NAME=VALUE` out of the words.
static std::optional<std::string> takeOption(Words &words,
                                             const std::string &name) {
  std::optional<std::string> value;
  for (auto word = words.begin(); word != words.end();) {
    if (*word == name && word + 1 != words.end()) {
      value = word[1];
      word = words.erase(word, word + 2);
    } else if (word->rfind(name + "=", 0) == 0) {
      value = word->substr(name.size() + 1);
      word = words.erase(word);
    } else {
      ++word;
    }
  }
  return value;
}

/// For the tensors that statements assign: the kernel that computes them.
static void addKernelsOf(const ast::Op &op, const CompiledNetwork &network,
                         llvm::json::Object &kernels) {
  const LayerTable table(op, network);
  const std::vector<int> layers = table.layersOfTensors(op);
  for (size_t i = 0; i < op.tensors.size(); ++i) {
    if (layers[i] < 0) {
      continue;
    }
    const auto number = size_t(layers[i]);
    const std::optional<double> cycles = table.layers()[number].cycles();
    kernels[op.tensors[i].name] =
        llvm::json::Object{{"kernel", table.kernelText(number)},
                           {"cycles", cycles ? llvm::json::Value(*cycles)
                                             : llvm::json::Value(nullptr)}};
  }
}

/// Writes the kernels of the operators in a file to `path`; false, and why on
/// stderr, if that cannot be.
static bool writeKernels(const OpFileOptions &options, const std::string &path,
                         int &exitCode) {
  const std::unique_ptr<OpFile> file = OpFile::load(options, exitCode);
  if (!file) {
    return false;
  }
  llvm::json::Object kernels;
  for (const ast::Op *op : file->ops()) {
    const std::optional<CompiledNetwork> stages =
        scheduledStages(*op, file->sources(), file->compileOptions);
    if (!stages) {
      exitCode = ExitFailure;
      return false;
    }
    addKernelsOf(*op, *stages, kernels);
  }
  OutputFiles files;
  files.add(path,
            llvm::formatv("{0}\n", llvm::json::Value(std::move(kernels))));
  const Status written = files.commit();
  if (!written.ok()) {
    exitCode = reportError(written.message());
  }
  return written.ok();
}

int inspectModel(const std::string &program, const Words &words) {
  Words inspecting = words;
  OpFileOptions options;
  options.isQuiet = true;
  options.target = takeOption(inspecting, "--target").value_or(options.target);
  int exitCode = ExitSuccess;
  if (!chooseTarget(options, exitCode)) {
    return exitCode;
  }
  const Result<ScratchFolder> folder = ScratchFolder::make("lpgen-inspect");
  if (!folder.ok()) {
    return reportError(folder.message());
  }
  Words importing = inspecting;
  takeOption(importing, "--most-images"); // of one image are the cycles
  llvm::erase(importing, "--json");
  importing.insert(importing.begin(), {program, "import"});
  llvm::append_range(
      importing, Words{"--most-images", "1", "--quiet", "-o", folder->path()});
  const Result<ProgramOutcome> imported = runProgram(importing);
  if (!imported.ok()) {
    return reportError(imported.message());
  }
  inspecting.insert(inspecting.begin(), {program, "inspect"});
  // A file that cannot be imported has a table too, of what is not supported.
  const std::string network =
      imported->exitStatus == 0 ? networkIn(folder->path()) : "";
  if (!network.empty()) {
    const std::string kernels = folder->path() + "/kernels.json";
    options.file = network;
    if (!writeKernels(options, kernels, exitCode)) {
      return exitCode;
    }
    llvm::append_range(inspecting, Words{"--kernels", kernels});
  }
  const Result<ProgramOutcome> shown =
      runProgram(inspecting, ProgramKind::Stand);
  return shown.ok() ? shown->exitStatus : reportError(shown.message());
}

} // namespace lpgen
