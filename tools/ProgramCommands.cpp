// The commands of training and of import: each hands its whole command line to
// a program that has no LLVM in it and is installed with this one.
#include "tools/Commands.h"
#include "tools/CommonOptions.h"
#include "tools/InspectCommand.h"
#include "tools/OtherPrograms.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include <CLI/CLI.hpp>
#include <array>
#include <cerrno>
#include <cstring>
#include <unistd.h>

namespace lpgen {

static constexpr const char *training =
    "configure lpgen with -DLPGEN_BUILD_TRAINING=ON (needs OpenBLAS: "
    "libopenblas-pthread-dev)";
static constexpr const char *importing =
    "build lpgen-import, or install it beside lpgen";

static constexpr std::array<OtherProgram, 8> programs = {{
    {"train", "Train a network with generated low-precision kernels",
     "lpgen-train", training},
    {"eval", "Accuracy of a trained network on the test images", "lpgen-eval",
     training},
    {"export",
     "Write a trained network as operators, weights and a program in C",
     "lpgen-export", training},
    {"quantize",
     "Give a network that was trained in float32 integers of 1 to 8 bits",
     "lpgen-quantize", training},
    {"refine", "Search for ternary weights of a trained network of two bits",
     "lpgen-refine", training},
    {"report", "Make a page of charts of a training run",
     "../share/lpgen/report/train-report", training},
    {"import", "Write a network of another tool as operators and weights",
     "lpgen-import", importing, true},
    {"inspect", "Show the layers of a network and what is not supported",
     "lpgen-import", importing, true, inspectModel},
}};

std::span<const OtherProgram> otherPrograms() { return programs; }

std::string besideProgram(const char *path) {
  static int anchor; // Some address in this program.
  llvm::SmallString<128> result(
      llvm::sys::fs::getMainExecutable(nullptr, &anchor));
  llvm::sys::path::remove_filename(result);
  llvm::sys::path::append(result, path);
  llvm::sys::path::remove_dots(result, /*remove_dot_dot=*/true);
  return std::string(result);
}

/// Becomes the program; returns only if that cannot be.
static int become(const OtherProgram &program,
                  const std::vector<std::string> &arguments) {
  const std::string path = besideProgram(program.path);
  std::vector<char *> argv = {const_cast<char *>(path.c_str())};
  if (program.takesCommand) {
    argv.push_back(const_cast<char *>(program.command));
  }
  for (const std::string &argument : arguments) {
    argv.push_back(const_cast<char *>(argument.c_str()));
  }
  argv.push_back(nullptr);
  ::execv(path.c_str(), argv.data());
  if (errno == ENOENT) {
    return reportError("there is no program '" + path + "', which does '" +
                       program.command + "'; " + program.remedy);
  }
  return reportError("cannot run '" + path +
                     "': " + std::strerror(errno)); // NOLINT
}

void addProgramCommands(CLI::App &app, int &exitCode) {
  for (const OtherProgram &program : programs) {
    CLI::App *command =
        app.add_subcommand(program.command, program.description);
    // Every option, --help among them, is the program's.
    command->set_help_flag();
    command->prefix_command();
    command->callback([&program, command, &exitCode] {
      const std::string path = besideProgram(program.path);
      exitCode = program.run && llvm::sys::fs::exists(path)
                     ? program.run(path, command->remaining())
                     : become(program, command->remaining());
    });
  }
}

} // namespace lpgen
