// lpgen-export: a trained network as operators with their weights, and a
// program in C, or as a file of QONNX; `lpgen export` runs it.
//
// Parses options with CLI11, hence the exceptions; everything else is in
// networks and training/export.
#include "tools/Misspelling.h"
#include "tools/OptionChecks.h"
#include "tools/OptionTable.h"
#include "tools/Program.h"
#include "tools/TrainedOutput.h"
#include "tools/TrainingOptions.h"

using namespace lpgen;

static int fail(const std::string &message) {
  std::fprintf(stderr, "lpgen-export: error: %s\n", message.c_str());
  return 1;
}

static std::string nameOf(train::Trainer &trainer) {
  return "model " + trainer.config().model + ", policy " +
         trainer.config().policy;
}

static int run(const train::StoredRunOptions &options, bool isQonnx,
               std::FILE *log, networks::ExportOptions &exported) {
  Result<std::unique_ptr<train::StoredRun>> stored =
      train::StoredRun::open(options);
  if (!stored.ok()) {
    return fail(stored.message());
  }
  train::Trainer &trainer = (*stored)->trainer();
  // Afterwards all products hold the integers of the weights.
  const Result<train::Totals> totals = trainer.evaluate();
  if (!totals.ok()) {
    return fail(totals.message());
  }
  exported.compiler = options.compiler;
  exported.title = "Model " + trainer.config().model + ", trained under " +
                   trainer.config().policy;
  const Status status = isQonnx ? exportQonnx(**stored, exported.folder, log)
                                : exportProgram(**stored, exported, log);
  if (!status.ok()) {
    return fail("cannot export '" + options.folder + "' (" + nameOf(trainer) +
                "): " + status.message());
  }
  std::printf("the trainer has %s\n", describeAccuracy(*totals).c_str());
  return 0;
}

// CLI11 throws while options are added only if this program names one wrongly.
// NOLINTNEXTLINE(bugprone-exception-escape)
int main(int argc, char **argv) {
  startProgram();
  train::StoredRunOptions options;
  networks::ExportOptions exported;
  std::string emit = "program";
  bool isQuiet = false;
  CLI::App app("Write a trained network as operators, weights and a program in "
               "C, or as a file of QONNX");
  app.name("lpgen export");
  app.failure_message(describeFailure);
  addOptionTable(app);
  addStoredRunOptions(app, options);
  app.add_option("-o,--output", exported.folder, "Folder to write, or the file")
      ->check(isPath())
      ->required();
  app.add_option("--emit", emit,
                 "program: a folder with operators, weights and a program in "
                 "C; qonnx: one file, for other tools and lpgen import")
      ->check(isOneOf({"program", "qonnx"}))
      ->capture_default_str();
  app.add_option("--target", exported.target,
                 "Target of the kernel, as in lpgen compile")
      ->capture_default_str();
  app.add_flag("-q,--quiet", isQuiet,
               "The accuracy only, not what the layers compute");
  app.footer("Examples:\n  lpgen export run -o net && make -C net test\n"
             "  lpgen export run --emit qonnx -o net.onnx");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    return finishProgram("lpgen-export", app.exit(error) == 0 ? 0 : 2);
  }
  return finishProgram(
      "lpgen-export",
      run(options, emit == "qonnx", isQuiet ? nullptr : stdout, exported));
}
