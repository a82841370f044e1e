// lpgen-eval: the accuracy of a trained network, or of one in a file; `lpgen
// eval` runs it.
//
// Parses options with CLI11, hence the exceptions; everything else is in
// training/loop.
#include "base/system/AtomicFile.h"
#include "tools/Misspelling.h"
#include "tools/OptionChecks.h"
#include "tools/OptionTable.h"
#include "tools/Program.h"
#include "tools/TrainingOptions.h"
#include "training/loop/Adversary.h"
#include "training/loop/NetworkAccuracy.h"

using namespace lpgen;

static int fail(const std::string &message) {
  std::fprintf(stderr, "lpgen-eval: error: %s\n", message.c_str());
  return 1;
}

static int writePredictions(const std::string &path,
                            const std::vector<int64_t> &classes) {
  const Status status = path.empty()
                            ? Status::success()
                            : writeFileAtomically(path, toLines(classes));
  return status.ok() ? 0 : fail(status.message());
}

static int run(const train::StoredRunOptions &options,
               const std::string &predictions) {
  Result<std::unique_ptr<train::StoredRun>> stored =
      train::StoredRun::open(options);
  if (!stored.ok()) {
    return fail(stored.message());
  }
  std::vector<int64_t> classes;
  const Result<train::Totals> totals = (*stored)->trainer().evaluate(&classes);
  if (!totals.ok()) {
    return fail(totals.message());
  }
  if (const int code = writePredictions(predictions, classes); code != 0) {
    return code;
  }
  std::printf("%s, loss %.4f\n", describeAccuracy(*totals).c_str(),
              totals->meanLoss());
  if ((*stored)->trainer().hasAdversary()) {
    const Result<train::Totals> moved = (*stored)->trainer().evaluateMoved();
    if (!moved.ok()) {
      return fail(moved.message());
    }
    std::printf("moved against the network: %s, loss %.4f\n",
                describeAccuracy(*moved).c_str(), moved->meanLoss());
  }
  return 0;
}

static int runNetwork(const train::NetworkOptions &options,
                      const std::string &predictions) {
  const Result<train::NetworkAccuracy> accuracy =
      train::measureAccuracy(options);
  if (!accuracy.ok()) {
    return fail(accuracy.message());
  }
  if (const int code = writePredictions(predictions, accuracy->classes);
      code != 0) {
    return code;
  }
  std::printf("%s\n%s\n", accuracy->input.c_str(),
              describeAccuracy(accuracy->totals).c_str());
  return 0;
}

/// Registers what says how a network in a file sees the images.
static void addNetworkOptions(CLI::App &app, train::NetworkOptions &options) {
  app.add_option("--op", options.op,
                 "Operator of the file, if there are several");
  app.add_option("--mean", options.mean,
                 "The network sees (pixel - mean) / deviation: a number, or "
                 "one for each channel; 128 for s8 if not given, else 0")
      ->delimiter(',');
  app.add_option("--deviation", options.deviation,
                 "255 for f32 if not given, else 1")
      ->delimiter(',')
      ->check(CLI::PositiveNumber);
  app.add_option("--images", options.images,
                 "Only the first of the test images")
      ->check(CLI::PositiveNumber);
}

// CLI11 throws while options are added only if this program names one wrongly.
// NOLINTNEXTLINE(bugprone-exception-escape)
int main(int argc, char **argv) {
  startProgram();
  train::StoredRunOptions options;
  std::string predictions;
  CLI::App app("Accuracy of a trained network on the test images");
  app.name("lpgen eval");
  app.failure_message(describeFailure);
  addOptionTable(app);
  addStoredRunOptions(app, options);
  app.get_option("RUN")->description(
      "Folder that lpgen train wrote, or a network (.lp, .onnx, .tflite)");
  app.get_option("--data")->description(
      "Data set; of a folder instead of that of the run, if it has moved");
  train::NetworkOptions network;
  addNetworkOptions(app, network);
  app.add_option("--adversary", options.adversary,
                 "Move the test images of a RUN against its network first: " +
                     train::adversaryHelp())
      ->check(CLI::Validator(
          [](const std::string &text) {
            const auto spec = train::readAdversary(text);
            return spec.ok() ? "" : spec.message();
          },
          ""));
  app.add_option("--predictions", predictions,
                 "Write the class of each test image, a line each")
      ->check(isPath());
  app.footer("Examples:\n  lpgen eval run\n"
             "  lpgen eval net.onnx --data fashion-mnist");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    return finishProgram("lpgen-eval", app.exit(error) == 0 ? 0 : 2);
  }
  const bool isFile = train::isNetworkFile(options.folder);
  for (const char *name : {"--op", "--mean", "--deviation", "--images"}) {
    if (!isFile && app.count(name) > 0) {
      (void)fail(std::string(name) +
                 " is for a network in a file (.lp, .onnx, "
                 ".tflite), which '" +
                 options.folder + "' is not");
      return finishProgram("lpgen-eval", 2);
    }
  }
  if (isFile && !options.adversary.empty()) {
    (void)fail("--adversary is for the folder of a run, which '" +
               options.folder + "' is not");
    return finishProgram("lpgen-eval", 2);
  }
  if (isFile && options.data.empty()) {
    (void)fail("--data is required for a network in a file");
    return finishProgram("lpgen-eval", 2);
  }
  network.file = options.folder;
  network.data = options.data;
  network.compiler = options.compiler;
  network.threads = options.threads;
  return finishProgram("lpgen-eval", isFile ? runNetwork(network, predictions)
                                            : run(options, predictions));
}
