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
#include <nlohmann/json.hpp>

using namespace lpgen;

static int fail(const std::string &message) {
  std::fprintf(stderr, "lpgen-eval: error: %s\n", message.c_str());
  return 1;
}

namespace {
/// What is written beside the accuracy, and how.
struct Output {
  std::string predictions;
  bool isJson = false;
};
} // namespace

static int writePredictions(const std::string &path,
                            const std::vector<int64_t> &classes) {
  const Status status = path.empty()
                            ? Status::success()
                            : writeFileAtomically(path, toLines(classes));
  return status.ok() ? 0 : fail(status.message());
}

static nlohmann::json toJson(const train::Totals &totals) {
  return {{"images", totals.images},
          {"right", totals.correct},
          {"accuracy", totals.accuracy()}};
}

static nlohmann::json toJsonWithLoss(const train::Totals &totals) {
  nlohmann::json object = toJson(totals);
  object["loss"] = totals.meanLoss();
  return object;
}

static std::string describeWithLoss(const train::Totals &totals) {
  std::array<char, 32> loss;
  (void)std::snprintf(loss.data(), loss.size(), ", loss %.4f\n",
                      totals.meanLoss());
  return describeAccuracy(totals) + loss.data();
}

static int run(const train::StoredRunOptions &options, const Output &output) {
  Result<std::unique_ptr<train::StoredRun>> stored =
      train::StoredRun::open(options);
  if (!stored.ok()) {
    return fail(stored.message());
  }
  train::Trainer &trainer = (*stored)->trainer();
  std::vector<int64_t> classes;
  const Result<train::Totals> totals = trainer.evaluate(&classes);
  if (!totals.ok()) {
    return fail(totals.message());
  }
  if (const int code = writePredictions(output.predictions, classes);
      code != 0) {
    return code;
  }
  std::string lines = describeWithLoss(*totals);
  nlohmann::json object = toJsonWithLoss(*totals);
  if (trainer.hasAdversary()) {
    const Result<train::Totals> moved = trainer.evaluateMoved();
    if (!moved.ok()) {
      return fail(moved.message());
    }
    lines += "moved against the network: " + describeWithLoss(*moved);
    object["moved"] = toJsonWithLoss(*moved);
  }
  std::printf("%s",
              output.isJson ? (object.dump(2) + "\n").c_str() : lines.c_str());
  return 0;
}

static int runNetwork(const train::NetworkOptions &options,
                      const Output &output) {
  const Result<train::NetworkAccuracy> accuracy =
      train::measureAccuracy(options);
  if (!accuracy.ok()) {
    return fail(accuracy.message());
  }
  if (const int code = writePredictions(output.predictions, accuracy->classes);
      code != 0) {
    return code;
  }
  if (output.isJson) {
    nlohmann::json object = toJson(accuracy->totals);
    object["input"] = accuracy->input;
    std::printf("%s\n", object.dump(2).c_str());
  } else {
    std::printf("%s\n%s\n", accuracy->input.c_str(),
                describeAccuracy(accuracy->totals).c_str());
  }
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
  Output output;
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
  app.add_option("--predictions", output.predictions,
                 "Write the class of each test image, a line each")
      ->check(isPath());
  app.add_flag("--json", output.isJson, "Print the accuracy as JSON");
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
  return finishProgram("lpgen-eval", isFile ? runNetwork(network, output)
                                            : run(options, output));
}
