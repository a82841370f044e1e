// `lpgen train`: hands its whole command line to lpgen-train, which has no LLVM
// in it and stands beside this program.
#include "compiler/tools/Commands.h"
#include "compiler/tools/CommonOptions.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstring>
#include <unistd.h>

namespace lpgen {

/// Becomes lpgen-train; returns only if that cannot be.
static int becomeTrainProgram(const std::vector<std::string> &arguments) {
  static int anchor; // Some address in this program.
  llvm::SmallString<128> path(
      llvm::sys::fs::getMainExecutable(nullptr, &anchor));
  llvm::sys::path::remove_filename(path);
  llvm::sys::path::append(path, "lpgen-train");
  std::vector<char *> argv = {const_cast<char *>(path.c_str())};
  for (const std::string &argument : arguments) {
    argv.push_back(const_cast<char *>(argument.c_str()));
  }
  argv.push_back(nullptr);
  ::execv(path.c_str(), argv.data());
  if (errno == ENOENT) {
    return reportError("there is no program '" + std::string(path) +
                       "', which trains; configure lpgen with "
                       "-DLPGEN_BUILD_TRAINING=ON (needs OpenBLAS: "
                       "libopenblas-pthread-dev)");
  }
  return reportError("cannot run '" + std::string(path) +
                     "': " + std::strerror(errno)); // NOLINT
}

void addTrainCommand(CLI::App &app, int &exitCode) {
  CLI::App *command = app.add_subcommand(
      "train", "Train a network with generated low-precision kernels");
  // Every option, --help among them, is lpgen-train's.
  command->set_help_flag();
  command->prefix_command();
  command->callback([command, &exitCode] {
    exitCode = becomeTrainProgram(command->remaining());
  });
}

} // namespace lpgen
