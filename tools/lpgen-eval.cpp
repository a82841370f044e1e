// lpgen-eval: the accuracy of a trained network; `lpgen eval` runs it.
//
// Parses options with CLI11, hence the exceptions; everything else is in
// training/loop.
#include "base/system/AtomicFile.h"
#include "tools/Misspelling.h"
#include "tools/OptionChecks.h"
#include "tools/OptionTable.h"
#include "tools/Program.h"
#include "tools/TrainingOptions.h"

using namespace lpgen;

static int fail(const std::string &message) {
  std::fprintf(stderr, "lpgen-eval: error: %s\n", message.c_str());
  return 1;
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
  if (!predictions.empty()) {
    const Status status = writeFileAtomically(predictions, toLines(classes));
    if (!status.ok()) {
      return fail(status.message());
    }
  }
  std::printf("%s, loss %.4f\n", describeAccuracy(*totals).c_str(),
              totals->meanLoss());
  return 0;
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
  app.add_option("--predictions", predictions,
                 "Write the class of each test image, a line each")
      ->check(isPath());
  app.footer("Example:\n  lpgen eval run");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    return finishProgram("lpgen-eval", app.exit(error) == 0 ? 0 : 2);
  }
  return finishProgram("lpgen-eval", run(options, predictions));
}
