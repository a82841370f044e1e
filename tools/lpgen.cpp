// lpgen: the command line. Each subcommand lives in a file of its own.
#include "base/system/SystemError.h"
#include "tools/Commands.h"
#include "tools/CommonOptions.h"
#include "tools/Misspelling.h"
#include "tools/Program.h"
#include "llvm/Support/raw_ostream.h"
#include <CLI/CLI.hpp>
#include <cstdlib>

using namespace lpgen;

/// The status of the command, unless its results did not reach their reader.
static int finish(int exitCode) {
  llvm::outs().flush();
  const std::error_code lost = llvm::outs().error();
  llvm::outs().clear_error();
  llvm::errs().clear_error(); // Messages may be lost, results may not.
  if (lost) {
    return reportError("cannot write to standard output: " +
                       describeSystemError(lost.value()));
  }
  return finishProgram("lpgen", exitCode);
}

// CLI11 throws while options are added only if this program names one wrongly.
// NOLINTNEXTLINE(bugprone-exception-escape)
int main(int argc, char **argv) {
  startProgram();
  // https://no-color.org: what counts is that there is a value.
  if (const char *wish = std::getenv("NO_COLOR"); wish && *wish != '\0') {
    llvm::errs().enable_colors(false);
  }
  CLI::App app(
      "lpgen: low-precision tensor operators to the fastest kernel a CPU "
      "can run");
  app.name("lpgen");
#ifdef LPGEN_HAS_ONNX
  const std::string formats = "imports TFLite, GGUF, ONNX";
#else
  const std::string formats = "imports TFLite, GGUF, built without ONNX";
#endif
  app.set_version_flag("--version", "lpgen " LPGEN_VERSION
                                    " (LLVM 22, kernel interface 1, " +
                                        formats + ")");
  app.failure_message(describeFailure);
  app.require_subcommand(1);
  app.footer(
      "Exit status: 0 done, 1 failed, 2 wrong command line, 130 interrupted.\n"
      "Example: lpgen compile examples/conv3x3_w2a2.lp -o out");
  int exitCode = ExitSuccess;
  addCompileCommand(app, exitCode);
  addVerifyCommand(app, exitCode);
  addRunCommand(app, exitCode);
  addBenchCommand(app, exitCode);
  addExplainCommand(app, exitCode);
  addTuneCommand(app, exitCode);
  addProgramCommands(app, exitCode);
  addTargetsCommand(app, exitCode);
  addDoctorCommand(app, exitCode);
  addCompletionCommand(app, exitCode);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    return finish(app.exit(error) == 0 ? ExitSuccess : ExitUsage);
  }
  return finish(exitCode);
}
