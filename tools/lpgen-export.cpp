// lpgen-export: a trained network as operators with their weights, and a
// program in C; `lpgen export` runs it.
//
// Parses options with CLI11, hence the exceptions; everything else is in
// networks and training/export.
#include "tools/OptionChecks.h"
#include "tools/Program.h"
#include "tools/TrainingOptions.h"
#include "training/export/TrainedNetwork.h"

using namespace lpgen;

static int fail(const std::string &message) {
  std::fprintf(stderr, "lpgen-export: error: %s\n", message.c_str());
  return 1;
}

static int run(const train::StoredRunOptions &options,
               networks::ExportOptions &exported) {
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
  const Result<networks::Network> network = train::trainedNetwork(**stored);
  if (!network.ok()) {
    return fail("cannot export '" + options.folder + "' (model " +
                trainer.config().model + ", policy " + trainer.config().policy +
                "): " + network.message());
  }
  exported.compiler = options.compiler;
  exported.title = "Model " + trainer.config().model + ", trained under " +
                   trainer.config().policy;
  const Status status = networks::exportNetwork(
      *network, train::testImages((*stored)->data()), exported);
  if (!status.ok()) {
    return fail(status.message());
  }
  for (const networks::Stage &stage : network->stages) {
    std::printf("%s: %s\n", stage.name.c_str(), stage.summary.c_str());
  }
  if (network->followsBatch) {
    std::printf("scales follow the batch: classes are the trainer's in batches "
                "of %lld images\n",
                static_cast<long long>(network->imagesPerCall));
  }
  std::printf("the trainer has %s\nbuild and run: make -C %s test\n",
              describeAccuracy(*totals).c_str(), exported.folder.c_str());
  return 0;
}

// CLI11 throws while options are added only if this program names one wrongly.
// NOLINTNEXTLINE(bugprone-exception-escape)
int main(int argc, char **argv) {
  startProgram();
  train::StoredRunOptions options;
  networks::ExportOptions exported;
  CLI::App app("Write a trained network as operators, weights and a program in "
               "C");
  app.name("lpgen export");
  addStoredRunOptions(app, options);
  app.add_option("-o,--output", exported.folder, "Folder to write")
      ->check(isPath())
      ->required();
  app.add_option("--target", exported.target,
                 "Target of the kernel, as in lpgen compile")
      ->capture_default_str();
  app.footer("Example:\n  lpgen export run -o net && make -C net test");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    return finishProgram("lpgen-export", app.exit(error) == 0 ? 0 : 2);
  }
  return finishProgram("lpgen-export", run(options, exported));
}
