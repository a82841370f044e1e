// lpgen-refine: ternary weights for a trained network by coordinate search;
// `lpgen refine` runs it.
//
// Parses options with CLI11, hence the exceptions; everything else is in
// training/posttraining.
#include "tools/Misspelling.h"
#include "tools/OptionChecks.h"
#include "tools/OptionTable.h"
#include "tools/Program.h"
#include "tools/TrainingOptions.h"
#include "training/posttraining/Refinement.h"

using namespace lpgen;
using namespace lpgen::posttraining;

static int run(const RefinementOptions &options) {
  int64_t number = 0;
  const Status status = refine(options, [&](const RefinementStep &step) {
    if (number == 0) {
      std::printf("start: %lld weights made ternary",
                  static_cast<long long>(step.clipped));
    } else {
      std::printf("sweep %lld: %lld codes tried, %lld weights changed",
                  static_cast<long long>(number),
                  static_cast<long long>(step.sweep.tried),
                  static_cast<long long>(step.sweep.changed));
    }
    std::printf(", loss %.4f, %s\n", step.loss,
                describeAccuracy(step.test).c_str());
    std::fflush(stdout);
    ++number;
  });
  if (!status.ok()) {
    std::fprintf(stderr, "lpgen-refine: error: %s\n", status.message().c_str());
    return 1;
  }
  return 0;
}

// CLI11 throws while options are added only if this program names one wrongly.
// NOLINTNEXTLINE(bugprone-exception-escape)
int main(int argc, char **argv) {
  startProgram();
  RefinementOptions options;
  CLI::App app("Give the weights of two bits of a trained network the codes "
               "-1, 0 and 1, and search for better ones without gradients");
  app.name("lpgen refine");
  app.failure_message(describeFailure);
  addOptionTable(app);
  addStoredRunOptions(app, options.run);
  app.get_option("RUN")->description(
      "Folder that lpgen train --model mlp --policy 'lsq<bits=2>' wrote");
  app.add_option("-o,--output", options.out, "Folder of the new run")
      ->check(isPath())
      ->required();
  app.add_option("--sweeps", options.sweeps, "Times that each weight is tried")
      ->check(isInteger<int64_t>())
      ->check(CLI::Range(0, 1000))
      ->capture_default_str();
  app.add_option("--images", options.images,
                 "The loss is that of the first so many training images")
      ->check(isInteger<int64_t>())
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--seed", options.seed, "Order of the weights")
      ->check(isInteger<uint64_t>())
      ->capture_default_str();
  app.footer("Example:\n  lpgen refine run -o ternary");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    return finishProgram("lpgen-refine", app.exit(error) == 0 ? 0 : 2);
  }
  return finishProgram("lpgen-refine", run(options));
}
