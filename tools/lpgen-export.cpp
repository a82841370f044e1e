// lpgen-export: a trained network as operators with their weights, and a
// program in C, or as a file of QONNX; `lpgen export` runs it.
//
// Parses options with CLI11, hence the exceptions; everything else is in
// networks and training/export.
#include "base/system/OutputFiles.h"
#include "tools/Misspelling.h"
#include "tools/OptionChecks.h"
#include "tools/OptionTable.h"
#include "tools/Program.h"
#include "tools/TrainingOptions.h"
#include "training/export/TrainedNetwork.h"
#ifdef LPGEN_HAS_ONNX
#include "networks/qonnx/QonnxBuilder.h"
#endif

using namespace lpgen;

static int fail(const std::string &message) {
  std::fprintf(stderr, "lpgen-export: error: %s\n", message.c_str());
  return 1;
}

static std::string nameOf(train::Trainer &trainer) {
  return "model " + trainer.config().model + ", policy " +
         trainer.config().policy;
}

/// A folder with operators, weights, images, and a program.
static Status exportProgram(train::StoredRun &stored,
                            networks::ExportOptions &exported) {
  const Result<networks::Network> network = train::trainedNetwork(stored);
  LPGEN_RETURN_IF_ERROR(network.status());
  const train::Config &config = stored.trainer().config();
  exported.title = "Model " + config.model + ", trained under " + config.policy;
  LPGEN_RETURN_IF_ERROR(networks::exportNetwork(
      *network, train::testImages(stored.data()), exported));
  for (const networks::Stage &stage : network->stages) {
    std::printf("%s: %s\n", stage.name.c_str(), stage.summary.c_str());
  }
  if (network->followsBatch) {
    std::printf("scales follow the batch: classes are the trainer's in batches "
                "of %lld images\n",
                static_cast<long long>(network->imagesPerCall));
  }
  std::printf("build and run: make -C %s test\n", exported.folder.c_str());
  return Status::success();
}

#ifdef LPGEN_HAS_ONNX
static Status exportQonnx(train::StoredRun &stored, const std::string &path) {
  networks::QonnxBuilder builder(train::imageFormat(stored.data()));
  LPGEN_RETURN_IF_ERROR(train::describeTrained(stored, builder));
  const Result<std::string> bytes = builder.finish();
  LPGEN_RETURN_IF_ERROR(bytes.status());
  OutputFiles files;
  files.add(path, *bytes);
  LPGEN_RETURN_IF_ERROR(files.commit());
  std::printf("look at it: lpgen inspect %s\n", path.c_str());
  return Status::success();
}
#else
static Status exportQonnx(train::StoredRun &, const std::string &) {
  return Status::error("lpgen was built without ONNX; configure it with "
                       "-DLPGEN_IMPORT_ONNX=ON");
}
#endif

static int run(const train::StoredRunOptions &options, bool isQonnx,
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
  exported.compiler = options.compiler;
  const Status status = isQonnx ? exportQonnx(**stored, exported.folder)
                                : exportProgram(**stored, exported);
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
      ->check(CLI::IsMember({"program", "qonnx"}))
      ->capture_default_str();
  app.add_option("--target", exported.target,
                 "Target of the kernel, as in lpgen compile")
      ->capture_default_str();
  app.footer("Examples:\n  lpgen export run -o net && make -C net test\n"
             "  lpgen export run --emit qonnx -o net.onnx");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    return finishProgram("lpgen-export", app.exit(error) == 0 ? 0 : 2);
  }
  return finishProgram("lpgen-export", run(options, emit == "qonnx", exported));
}
