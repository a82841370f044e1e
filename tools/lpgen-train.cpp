// lpgen-train: the command line of training; `lpgen train` runs it.
//
// Parses options with CLI11, hence the exceptions; everything else is in
// training/loop. Progress goes to stderr, results to stdout.
#include "base/system/AtomicFile.h"
#include "base/system/NearestName.h"
#include "runtime/kernels/KernelProvider.h"
#include "tools/Misspelling.h"
#include "tools/OptionChecks.h"
#include "tools/OptionTable.h"
#include "tools/Program.h"
#include "tools/TrainingOptions.h"
#include "training/data/Dataset.h"
#include "training/loop/RunFolder.h"
#include "training/policies/Policy.h"
#include "training/record/AccumulatorTable.h"
#include "training/record/RunReport.h"
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <unistd.h>

using namespace lpgen;
using namespace lpgen::train;

namespace {

enum ExitStatus {
  ExitSuccess = 0,
  ExitFailure = 1,
  ExitUsage = 2,
  ExitInterrupted = interruptedStatus
};

struct Options {
  Config config;
  std::string out;
  CompilerOptions compiler;
  int threads = 1;
  std::string gradients = "none";
  bool isResumed = false;
  bool isQuiet = false;
  bool showsAccumulators = false;
  bool isJson = false;
  int64_t stopAfter = 0;
  LossAllocationOptions allocation;
};

int fail(const std::string &message, ExitStatus status = ExitFailure) {
  std::fprintf(stderr, "lpgen-train: error: %s\n", message.c_str());
  return status;
}

/// One line that overwrites itself on a terminal, a line each tenth of an
/// epoch elsewhere.
class Progress {
public:
  explicit Progress(bool isQuiet) : isQuiet(isQuiet) {}

  void show(const Trainer &trainer) {
    const int64_t steps = trainer.stepsPerEpoch();
    const int64_t inEpoch = (trainer.step() - 1) % steps + 1;
    const int64_t epoch = (trainer.step() - 1) / steps + 1;
    const bool isTerminal = ::isatty(STDERR_FILENO) != 0;
    if (isQuiet ||
        (!isTerminal && inEpoch * 10 / steps == (inEpoch - 1) * 10 / steps)) {
      return;
    }
    const Totals &totals = trainer.epochTotals();
    const auto left =
        static_cast<long long>(totals.seconds / double(inEpoch) *
                               double(trainer.totalSteps() - trainer.step()));
    std::fprintf(stderr,
                 "%sepoch %lld/%lld  step %lld/%lld  loss %.4f  accuracy "
                 "%.2f %%  %.0f images/s  left %lld:%02lld%s",
                 isTerminal ? "\r" : "", static_cast<long long>(epoch),
                 static_cast<long long>(trainer.config().epochs),
                 static_cast<long long>(inEpoch), static_cast<long long>(steps),
                 totals.meanLoss(), 100.0 * totals.accuracy(),
                 totals.imagesPerSecond(), left / 60, left % 60,
                 isTerminal ? "   " : "\n");
    if (isTerminal && inEpoch == steps) {
      std::fprintf(stderr, "\n");
    }
  }

private:
  bool isQuiet;
};

void reportEpoch(const Trainer &trainer, const Totals &test) {
  std::printf("epoch %lld: train loss %.4f, train accuracy %.2f %%, test "
              "accuracy %.2f %%, %.0f images/s\n",
              static_cast<long long>(trainer.epoch()),
              trainer.epochTotals().meanLoss(),
              100.0 * trainer.epochTotals().accuracy(), 100.0 * test.accuracy(),
              trainer.epochTotals().imagesPerSecond());
  if (const nn::ContractionWork work = trainer.work(); work.macs > 0) {
    const double mean = work.bops / work.macs;
    std::printf("  BOPs so far: %.4g, %.1f for each multiply-accumulate, "
                "%.1f %% %s than at 8 x 8 bits\n",
                work.bops, mean, 100.0 * std::fabs(1.0 - mean / 64.0),
                mean > 64 ? "more" : "fewer");
  }
  std::fflush(stdout);
}

Status finishEpoch(Trainer &trainer, RunFolder &folder) {
  GradientExchange *exchange = trainer.gradientExchange();
  if (exchange && exchange->peers().rank() != 0) {
    return folder.saveTogether(trainer, *exchange);
  }
  const Result<Totals> test = trainer.evaluate();
  LPGEN_RETURN_IF_ERROR(test.status());
  LPGEN_RETURN_IF_ERROR(folder.logEpoch(trainer, *test));
  LPGEN_RETURN_IF_ERROR(exchange ? folder.saveTogether(trainer, *exchange)
                                 : folder.save(trainer));
  reportEpoch(trainer, *test);
  if (exchange) {
    const GradientExchange::Traffic traffic = exchange->traffic();
    std::printf(
        "  gradients sent by each process so far: %lld bytes, %.1f times "
        "fewer than as floats\n",
        static_cast<long long>(traffic.sent),
        double(traffic.dense) / double(traffic.sent));
    std::fflush(stdout);
  }
  return Status::success();
}

Status train(const Options &options, Trainer &trainer, RunFolder &folder) {
  Progress progress(options.isQuiet);
  while (!trainer.isDone() && !isInterrupted()) {
    LPGEN_RETURN_IF_ERROR(trainer.runStep());
    progress.show(trainer);
    if (!trainer.isAtEpochEnd()) {
      continue;
    }
    LPGEN_RETURN_IF_ERROR(finishEpoch(trainer, folder));
    if (options.stopAfter > 0 && trainer.epoch() >= options.stopAfter) {
      return Status::success();
    }
  }
  // Interrupted workers are not at one step: their epoch's checkpoints stay.
  return trainer.isDone() || trainer.gradientExchange() ? Status::success()
                                                        : folder.save(trainer);
}

/// The report is a by-product: where it cannot be made, the run is good all the
/// same, and the user is told.
void report(const RunFolder &folder, const std::string &path) {
  if (folder.epochs().empty()) {
    return;
  }
  const Status status = writeRunReport(path);
  if (!status.ok()) {
    std::fprintf(stderr,
                 "lpgen-train: warning: no report.html: %s\n"
                 "  remedy: install python3, then: lpgen report %s\n",
                 status.message().c_str(), path.c_str());
  }
}

int showAccumulators(const Config &config, TableFormat format) {
  const Result<data::Dataset> data = data::loadDataset(config.data);
  if (!data.ok()) {
    return fail(data.message());
  }
  const Result<std::string> table = accumulatorTable(
      {config.model, data->height, data->width, data->channels, data->classes},
      config.batchSize, format);
  if (!table.ok()) {
    return fail(table.message());
  }
  std::fputs(table->c_str(), stdout);
  return ExitSuccess;
}

int run(Options &options, ProcessGroup *workers) {
  const int rank = workers ? workers->rank() : 0;
  options.isQuiet |= rank != 0;
  options.config.workers = workers ? workers->count() : 1;
  Result<RunFolder> folder = RunFolder::open(options.out, rank);
  if (!folder.ok()) {
    return fail(folder.message());
  }
  if (const Status locked = folder->lock(); !locked.ok()) {
    return fail(locked.message());
  }
  if (options.isResumed) {
    const Result<Config> config = folder->readConfig();
    if (!config.ok()) {
      return fail(config.message());
    }
    if (config->gradients != options.gradients) {
      return fail("the run in '" + options.out +
                  "' was made with --gradients " + config->gradients +
                  ", not " + options.gradients);
    }
    if (config->workers != options.config.workers) {
      return fail("the run in '" + options.out + "' had " +
                  std::to_string(config->workers) +
                  " processes, now there are " +
                  std::to_string(options.config.workers) +
                  "; remedy: mpirun -n " + std::to_string(config->workers));
    }
    options.config = *config;
  } else if (folder->hasCheckpoint()) {
    return fail("'" + options.out + "' holds a run already; remedy: --resume " +
                "to continue it, or another --out");
  }
  Result<data::Dataset> data = data::loadDataset(options.config.data);
  if (!data.ok()) {
    return fail(data.message());
  }
  const Status limited = data::limitTraining(*data, options.config.trainImages);
  if (!limited.ok()) {
    return fail(limited.message());
  }
  if (options.isResumed) {
    const Status same = folder->checkData(*data);
    if (!same.ok()) {
      return fail(same.message());
    }
  }
  ThreadPool pool(options.threads);
  if (!pool.status().ok()) {
    return fail(pool.status().message());
  }
  KernelProvider kernels(options.compiler);
  Result<std::unique_ptr<Trainer>> trainer =
      Trainer::create(options.config, *data, &pool, &kernels, workers);
  if (!trainer.ok()) {
    return fail(trainer.message());
  }
  if (options.isResumed) {
    Status restored = folder->restore(**trainer);
    if (restored.ok()) {
      restored = folder->writeLogs(**trainer);
    }
    if (!restored.ok()) {
      return fail(restored.message());
    }
  }
  if (!options.isResumed && !options.config.from.empty()) {
    const Status started = RunFolder::startFrom(options.config.from, **trainer);
    if (!started.ok()) {
      return fail(started.message());
    }
  }
  folder->observe(**trainer);
  if (options.allocation.every > 0 && rank == 0) {
    options.allocation.batchSize = options.config.batchSize;
    const Status allocated =
        folder->allocateLoss(**trainer, options.allocation);
    if (!allocated.ok()) {
      return fail(allocated.message());
    }
  }
  if (GradientExchange *exchange = (*trainer)->gradientExchange()) {
    const Status together = exchange->checkStep((*trainer)->step());
    if (!together.ok()) {
      return fail(together.message());
    }
  }
  Status status = train(options, **trainer, *folder);
  if (const std::string operators = kernels.operators();
      status.ok() && !operators.empty() && rank == 0) {
    status = writeFileAtomically(options.out + "/kernels.lp", operators);
  }
  if (rank == 0) {
    report(*folder, options.out);
  }
  if (!status.ok()) {
    return fail(status.message() + (folder->hasCheckpoint()
                                        ? "; the last epoch's state is in '" +
                                              folder->checkpointPath() + "'"
                                        : ""));
  }
  if (isInterrupted() && !(*trainer)->isDone()) {
    std::fprintf(stderr,
                 "lpgen-train: interrupted; continue with: lpgen train "
                 "--resume --out %s\n",
                 options.out.c_str());
    return ExitInterrupted;
  }
  return ExitSuccess;
}

/// Alone, or as one of the workers that mpirun started.
int runWithWorkers(Options &options) {
  if (options.gradients == "none") {
    return isStartedByMpi()
               ? fail("mpirun started several processes; remedy: say what they "
                      "exchange, --gradients dense or --gradients adacomp",
                      ExitUsage)
               : run(options, nullptr);
  }
  options.config.gradients = options.gradients;
  const Result<std::unique_ptr<ProcessGroup>> workers = makeMpiProcessGroup();
  if (!workers.ok()) {
    return fail(workers.message());
  }
  const int status = run(options, workers->get());
  if (status != ExitSuccess) { // The others may wait for this one.
    (*workers)->abort(status);
  }
  return status;
}

/// What can be said of the options before there is data.
Status checkOptions(const Config &config) {
  LPGEN_RETURN_IF_ERROR(checkConfig(config));
  LPGEN_RETURN_IF_ERROR(nn::checkModelName(config.model));
  LPGEN_RETURN_IF_ERROR(
      makeOptimizer({config.optimizer, config.momentum, config.weightDecay}, {})
          .status());
  KernelProvider kernels(CompilerOptions{});
  return makePolicy(config.policy, {&kernels, /*stepsPerEpoch=*/1,
                                    /*totalSteps=*/1, config.batchSize})
      .status();
}

/// Reads the file of --config; a key that is no option is an error.
class ConfigFile : public CLI::ConfigTOML {
public:
  explicit ConfigFile(const CLI::App &app) : app(app) {}

  std::vector<CLI::ConfigItem> from_config(std::istream &input) const override {
    std::vector<std::string> known;
    for (const CLI::Option *option : app.get_options()) {
      if (!option->get_lnames().empty()) {
        known.push_back(option->get_lnames().front());
      }
    }
    std::vector<CLI::ConfigItem> items = CLI::ConfigTOML::from_config(input);
    for (const CLI::ConfigItem &item : items) {
      const std::string name = item.fullname();
      if (std::ranges::find(known, name) == known.end()) {
        throw CLI::ConfigError("--config: unknown key " +
                                   quoteWithNearest(name, known),
                               CLI::ExitCodes::ConfigError);
      }
    }
    return items;
  }

private:
  const CLI::App &app;
};

/// Registers everything; those options that a resumed run takes from its
/// checkpoint are returned.
std::vector<CLI::Option *> addOptions(CLI::App &app, Options &options) {
  Config &config = options.config;
  app.add_option("--out", options.out, "Folder of the run: checkpoint, logs")
      ->check(isPath())
      ->required();
  addKernelOptions(app, options.threads, options.compiler);
  app.add_option("--kernel-target", options.compiler.target,
                 "Target of the kernels, see 'lpgen targets'; results do not "
                 "depend on it")
      ->capture_default_str();
  app.add_flag("--resume", options.isResumed,
               "Continue the run in --out exactly where its checkpoint is");
  app.add_option("--gradients", options.gradients,
                 "Train together with the other processes that mpirun started, "
                 "each with batches of its own, and exchange gradients: dense "
                 "or adacomp")
      ->check(isOneOf({"none", "dense", "adacomp"}))
      ->capture_default_str();
  CLI::Option *accumulators =
      app.add_flag("--accumulators", options.showsAccumulators,
                   "Print how wide the sums of the model must be, and stop; "
                   "writes nothing to --out");
  app.add_flag("--json", options.isJson, "Print that table as JSON")
      ->needs(accumulators);
  app.add_flag("-q,--quiet", options.isQuiet, "No progress line");
  app.add_option("--stop-after", options.stopAfter,
                 "Stop after this epoch, to be resumed later")
      ->check(isInteger<int64_t>())
      ->check(CLI::PositiveNumber);
  CLI::Option *allocation =
      app.add_option("--loss-allocation", options.allocation.every,
                     "Of each so many steps one: allocate the change of the "
                     "training loss to the tensors, for log and report")
          ->check(isInteger<int64_t>())
          ->check(CLI::PositiveNumber);
  app.add_option("--allocation-images", options.allocation.images,
                 "The loss is that of the first so many training images")
      ->check(isInteger<int64_t>())
      ->check(CLI::PositiveNumber)
      ->capture_default_str()
      ->needs(allocation);
  std::vector<CLI::Option *> ofConfig = {
      app.add_option("--model", config.model, nn::modelNames()),
      app.add_option("--data", config.data,
                     "fashion-mnist, or a folder of IDX, CIFAR-10 or "
                     "CIFAR-100 files"),
      app.add_option("--policy", config.policy, policyHelp()),
      app.add_option("--from", config.from,
                     "Folder of a run of the same model, whose weights are the "
                     "first ones"),
      app.add_option("--optimizer", config.optimizer, "sgd, adam or madam"),
      app.add_option("--schedule", config.schedule,
                     "Learning rate: constant, step or cosine"),
      app.add_option("--augmentation", config.augmentation,
                     "none or crop-flip"),
      app.add_option("--epochs", config.epochs, "Passes over the images")
          ->check(isInteger<int64_t>()),
      app.add_option("--batch", config.batchSize, "Images of one update")
          ->check(isInteger<int64_t>()),
      app.add_option("--train-images", config.trainImages,
                     "Only the first so many training images; 0 is all")
          ->check(isInteger<int64_t>()),
      app.add_option("--seed", config.seed, "Weights, order, rounding")
          ->check(isInteger<uint64_t>()),
      app.add_option("--learning-rate", config.learningRate,
                     "Of the first step")
          ->check(isFinite()),
      app.add_option("--momentum", config.momentum, "Of sgd")
          ->check(isFinite()),
      app.add_option("--weight-decay", config.weightDecay, "L2, on weights")
          ->check(isFinite())};
  for (CLI::Option *option : ofConfig) {
    option->capture_default_str();
    option->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  }
  app.set_config("--config", "", "FILE with lines OPTION=VALUE (TOML)");
  app.config_formatter(std::make_shared<ConfigFile>(app));
  return ofConfig;
}

} // namespace

// CLI11 throws while options are added only if this program names one wrongly.
// NOLINTNEXTLINE(bugprone-exception-escape)
int main(int argc, char **argv) {
  startProgram(OnSignal::Tell);
  Options options;
  CLI::App app("Train a network with generated low-precision kernels");
  app.name("lpgen train");
  app.failure_message(describeFailure);
  addOptionTable(app);
  const std::vector<CLI::Option *> ofConfig = addOptions(app, options);
  app.footer("Example:\n  lpgen train --model cnn --data fashion-mnist "
             "--policy float32 --epochs 2 --out run");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    return finishProgram("lpgen-train",
                         app.exit(error) == 0 ? ExitSuccess : ExitUsage);
  }
  for (const CLI::Option *option : ofConfig) {
    if (options.isResumed && option->count() > 0) {
      return fail("--resume takes " + option->get_name() +
                      " from the checkpoint; leave it out",
                  ExitUsage);
    }
  }
  const Status config = checkOptions(options.config);
  if (!config.ok()) {
    return fail(config.message(), ExitUsage);
  }
  if (options.showsAccumulators) {
    return finishProgram(
        "lpgen-train",
        showAccumulators(options.config, options.isJson ? TableFormat::Json
                                                        : TableFormat::Text));
  }
  return finishProgram("lpgen-train", runWithWorkers(options));
}
