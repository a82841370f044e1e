// `lpgen explain`: what the compiler made of an operator and why, and how fast
// it can be at best.
#include "compiler/pipeline/Explain.h"
#include "tools/Commands.h"
#include "tools/CommonOptions.h"
#include "llvm/Support/raw_ostream.h"
#include <CLI/CLI.hpp>

namespace lpgen {

static int runExplain(const OpFileOptions &options) {
  int exitCode = ExitSuccess;
  std::unique_ptr<OpFile> file = OpFile::load(options, exitCode);
  if (!file) {
    return exitCode;
  }
  file->compileOptions.showsRemarks = true;
  for (const ast::Op *op : file->ops()) {
    auto compiled = file->compile(*op, exitCode);
    if (!compiled) {
      return exitCode;
    }
    CompileOptions scheduled = file->compileOptions;
    scheduled.showsRemarks = false; // they are said
    scheduled.stopAfter = Stage::Scheduled;
    auto ir = compileOp(*op, file->sources(), scheduled);
    if (!ir) {
      return ExitFailure;
    }
    llvm::outs() << explain(ir->mlir, *compiled, file->target());
  }
  return ExitSuccess;
}

void addExplainCommand(CLI::App &app, int &exitCode) {
  CLI::App *command = app.add_subcommand(
      "explain",
      "Show schedule, layout, registers, operation counts and ceiling");
  auto options = std::make_shared<OpFileOptions>();
  addOpFileOptions(*command, *options);
  command->footer(
      "Example: lpgen explain examples/gemm_w4a4.lp --target arm_neon");
  command->callback([options, &exitCode] { exitCode = runExplain(*options); });
}

} // namespace lpgen
