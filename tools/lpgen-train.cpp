// lpgen-train: the command line of training; `lpgen train` runs it.
//
// Parses options with CLI11, hence the exceptions; everything else is in
// training/loop. Progress goes to stderr, results to stdout.
#include "base/system/AtomicFile.h"
#include "runtime/kernels/KernelProvider.h"
#include "tools/Misspelling.h"
#include "tools/OptionTable.h"
#include "tools/Program.h"
#include "tools/TrainCommandLine.h"
#include "tools/TrainProgress.h"
#include "training/data/Dataset.h"
#include "training/loop/Pruning.h"
#include "training/loop/RunFolder.h"
#include "training/loop/RunPolicy.h"
#include "training/record/AccumulatorTable.h"
#include "training/record/RunReport.h"
#include <cstdio>

using namespace lpgen;
using namespace lpgen::train;

namespace {

enum ExitStatus {
  ExitSuccess = 0,
  ExitFailure = 1,
  ExitUsage = 2,
  ExitInterrupted = interruptedStatus
};

int fail(const std::string &message, ExitStatus status = ExitFailure) {
  std::fprintf(stderr, "lpgen-train: error: %s\n", message.c_str());
  return status;
}

/// What trains, and what a trainer is made with.
struct Training {
  std::unique_ptr<Trainer> trainer;
  RunFolder &folder;
  ThreadPool &pool;
  KernelProvider &kernels;
};

/// Goes on with fewer units, if the config says so.
Status pruneNow(Training &training) {
  Result<std::unique_ptr<Trainer>> next =
      prune(*training.trainer, &training.pool, &training.kernels);
  LPGEN_RETURN_IF_ERROR(next.status());
  if (*next) {
    training.trainer = std::move(*next);
    training.folder.observe(*training.trainer);
    std::printf(
        "  from now on %s, batches of %lld images\n",
        training.trainer->config().widths.c_str(),
        static_cast<long long>(training.trainer->config().imagesPerStep()));
    std::fflush(stdout);
  }
  return Status::success();
}

Status finishEpoch(Training &training) {
  Trainer &trainer = *training.trainer;
  RunFolder &folder = training.folder;
  ProcessGroup *peers = trainer.peers();
  if (peers && peers->rank() != 0) {
    return folder.saveTogether(trainer, *peers);
  }
  const Result<Totals> test = trainer.evaluate();
  LPGEN_RETURN_IF_ERROR(test.status());
  std::optional<Totals> moved;
  if (trainer.hasAdversary()) {
    const Result<Totals> found = trainer.evaluateMoved();
    LPGEN_RETURN_IF_ERROR(found.status());
    moved = *found;
  }
  LPGEN_RETURN_IF_ERROR(folder.logEpoch(trainer, *test, moved));
  reportEpoch(trainer, *test);
  if (moved) {
    std::printf("  of test images that the adversary has moved: %.2f %%\n",
                100.0 * moved->accuracy());
    std::fflush(stdout);
  }
  if (peers) {
    LPGEN_RETURN_IF_ERROR(folder.saveTogether(trainer, *peers));
    reportTraffic(trainer);
    return Status::success();
  }
  LPGEN_RETURN_IF_ERROR(pruneNow(training));
  return folder.save(*training.trainer);
}

Status train(const TrainOptions &options, Training &training) {
  Progress progress(options.isQuiet);
  while (!training.trainer->isDone() && !isInterrupted()) {
    LPGEN_RETURN_IF_ERROR(training.trainer->runStep());
    progress.show(*training.trainer);
    if (!training.trainer->isAtEpochEnd()) {
      continue;
    }
    LPGEN_RETURN_IF_ERROR(finishEpoch(training));
    if (options.stopAfter > 0 &&
        training.trainer->epoch() >= options.stopAfter) {
      return Status::success();
    }
  }
  // Interrupted workers are not at one step: their epoch's checkpoints stay.
  Trainer &trainer = *training.trainer;
  return trainer.isDone() || trainer.peers() ? Status::success()
                                             : training.folder.save(trainer);
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

int run(TrainOptions &options, ProcessGroup *workers) {
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
    if (config->federated != options.federated) {
      return fail("the run in '" + options.out +
                  "' was made with --federated '" + config->federated +
                  "', not '" + options.federated + "'");
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
  const Status shared = takeShare(options.config, rank, *data);
  if (!shared.ok()) {
    return fail(shared.message());
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
  if (options.allocation.every > 0 && options.config.pruning != "none") {
    return fail("--loss-allocation needs a network that stays as it is; "
                "remedy: leave out --prune or --loss-allocation",
                ExitUsage);
  }
  if (options.allocation.every > 0 && rank == 0) {
    options.allocation.batchSize = options.config.imagesPerStep();
    const Status allocated =
        folder->allocateLoss(**trainer, options.allocation);
    if (!allocated.ok()) {
      return fail(allocated.message());
    }
  }
  if (ProcessGroup *peers = (*trainer)->peers()) {
    const Status together = checkSameStep(*peers, (*trainer)->step());
    if (!together.ok()) {
      return fail(together.message());
    }
  }
  Training training = {std::move(*trainer), *folder, pool, kernels};
  Status status = train(options, training);
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
  if (isInterrupted() && !training.trainer->isDone()) {
    std::fprintf(stderr,
                 "lpgen-train: interrupted; continue with: lpgen train "
                 "--resume --out %s\n",
                 options.out.c_str());
    return ExitInterrupted;
  }
  return ExitSuccess;
}

/// Alone, or as one of the workers that mpirun started.
int runWithWorkers(TrainOptions &options) {
  if (options.gradients == "none" && options.federated == "none") {
    return isStartedByMpi()
               ? fail("mpirun started several processes; remedy: say what they "
                      "exchange, --gradients dense or --gradients adacomp, or "
                      "--federated fedavg",
                      ExitUsage)
               : run(options, nullptr);
  }
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
  return makeRunPolicy(config, {&kernels, /*stepsPerEpoch=*/1,
                                /*totalSteps=*/1, config.batchSize})
      .status();
}

} // namespace

// CLI11 throws while options are added only if this program names one wrongly.
// NOLINTNEXTLINE(bugprone-exception-escape)
int main(int argc, char **argv) {
  startProgram(OnSignal::Tell);
  TrainOptions options;
  CLI::App app("Train a network with generated low-precision kernels");
  app.name("lpgen train");
  app.failure_message(describeFailure);
  addOptionTable(app);
  const std::vector<CLI::Option *> ofConfig = addTrainOptions(app, options);
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
  options.config.gradients = options.gradients;
  options.config.federated = options.federated;
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
