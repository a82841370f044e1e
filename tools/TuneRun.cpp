// See TuneRun.h.
#include "tools/TuneRun.h"
#include "base/system/AtomicFile.h"
#include "base/system/FileLock.h"
#include "base/system/Interruption.h"
#include "base/system/Text.h"
#include "compiler/codegen/Mca.h"
#include "operators/network/InsideMacs.h"
#include "operators/network/Layers.h"
#include "schedules/RuleFile.h"
#include "tools/Commands.h"
#include "tools/TuneReport.h"
#include "workbench/tune/NetworkPlan.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Support/xxhash.h"
#include <chrono>
#include <cmath>
#include <ctime>

namespace lpgen {

bool isStream(const std::string &path) {
  return llvm::sys::fs::exists(path) && !llvm::sys::fs::is_regular_file(path);
}

/// Hash of this very program: what another build measured says nothing of the
/// code that this one makes.
static std::string buildIdentity() {
  static int anchor; // Some address in this program.
  const std::string path = llvm::sys::fs::getMainExecutable(nullptr, &anchor);
  auto program = llvm::MemoryBuffer::getFile(path, /*IsText=*/false,
                                             /*RequiresNullTerminator=*/false);
  return program ? llvm::utohexstr(llvm::xxh3_64bits((*program)->getBuffer()),
                                   /*LowerCase=*/true)
                 : "unknown";
}

static std::string today() {
  const std::time_t now = std::time(nullptr);
  std::tm utc = {};
  gmtime_r(&now, &utc);
  return llvm::formatv("{0}-{1,0+2}-{2,0+2}", utc.tm_year + 1900,
                       utc.tm_mon + 1, utc.tm_mday);
}

/// Can its kernels be measured? Else they are ranked.
static bool isMeasured(const TuneCommandOptions &options,
                       const Target &target) {
  return !options.runner.empty() || hostRuns(target.desc());
}

TuneOptions TuneRun::tuneOptions(const OpFile &file, const ast::Op &op,
                                 const Budget &budget) const {
  TuneOptions tune;
  tune.trials = budget.trials;
  tune.seconds = budget.seconds;
  tune.isExhaustive = options.isExhaustive;
  tune.byModel = !isMeasured(options, file.target());
  tune.cpu = cpu;
  tune.model = options.file.cpu.empty() ? file.target().desc().mcaCpu : cpu;
  tune.remote = options.runner;
  tune.build = buildIdentity();
  for (const std::string &define : options.file.defines) {
    const auto assignment = splitAssignment(define);
    llvm::StringRef(assignment->second)
        .getAsInteger(0, tune.params[assignment->first]);
  }
  const std::vector<int64_t> sizes = op.largestSizes();
  tune.macs = insideMultiplyAccumulates(op, sizes).value_or(
      multiplyAccumulates(op, sizes));
  tune.isInterrupted = lpgen::isInterrupted;
  return tune;
}

/// The lock on a file of rules, beside it; nothing for a stream.
static Result<std::optional<FileLock>> lockRules(const std::string &rules) {
  if (isStream(rules)) {
    return std::optional<FileLock>();
  }
  const llvm::StringRef folder = llvm::sys::path::parent_path(rules);
  if (!folder.empty()) {
    if (const std::error_code error =
            llvm::sys::fs::create_directories(folder)) {
      return Status::error("cannot make folder '" + folder.str() +
                           "': " + error.message());
    }
  }
  const std::string path = rules + ".lock";
  Result<std::optional<FileLock>> lock = FileLock::attempt(path);
  LPGEN_RETURN_IF_ERROR(lock.status());
  if (!lock->has_value()) {
    llvm::errs() << "lpgen: remark: another process writes '" << rules
                 << "'; waiting until it is done\n";
    Result<FileLock> waited = FileLock::wait(path);
    LPGEN_RETURN_IF_ERROR(waited.status());
    lock->emplace(std::move(*waited));
  }
  return lock;
}

/// Merges what was found into the file of rules, as soon as it is known.
Status TuneRun::writeRules(const TuneProblem &problem,
                           const TuneOutcome &outcome) const {
  if (outcome.tuned.empty()) {
    return Status::success();
  }
  std::vector<TunedRule> rules;
  for (const TunedContraction &tuned : outcome.tuned) {
    const TrialRecord &best = tuned.best;
    rules.push_back({problem.key(tuned.contraction),
                     best.schedules[tuned.contraction],
                     best.source == "mca" ? "mca" : "measured",
                     best.op + " " + problem.label(tuned.contraction) + ", " +
                         best.speed() + ", " + cpu + ", " + today()});
  }
  // Another run that merges at the same time is waited for.
  const Result<std::optional<FileLock>> lock = lockRules(rulesPath);
  LPGEN_RETURN_IF_ERROR(lock.status());
  std::string old;
  if (llvm::sys::fs::exists(rulesPath)) {
    Result<std::string> text = readWholeFile(rulesPath);
    LPGEN_RETURN_IF_ERROR(text.status());
    old = std::move(*text);
  }
  const Result<std::string> merged = mergeRules(old, rules, cpu);
  if (!merged.ok()) {
    return Status::error("'" + rulesPath + "' is " + merged.message() +
                         "; repair or remove it, or choose another with -o");
  }
  return writeFileAtomically(rulesPath, *merged);
}

static int sayNothingToTune(const ast::Op &op) {
  llvm::outs() << op.name << ": no contraction, so nothing to tune\n";
  return ExitSuccess;
}

/// Seconds of a clock that never goes back.
static double secondsNow() {
  return std::chrono::duration<double>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

int TuneRun::tuneOp(OpFile &file, const ast::Op &op) {
  if (hasLayers(op)) {
    return tuneNetwork(file, op);
  }
  const std::unique_ptr<TuneProblem> problem =
      TuneProblem::create(op, file.sources(), file.compileOptions);
  if (!problem) {
    return ExitFailure;
  }
  if (problem->numContractions() == 0) {
    return sayNothingToTune(op);
  }
  return tuneProblem(file, *problem, {options.trials, options.seconds});
}

/// The layers one after the other, under one budget.
int TuneRun::tuneNetwork(OpFile &file, const ast::Op &op) {
  const auto plan = planNetwork(op, file.sources(), file.compileOptions);
  if (!plan) {
    return ExitFailure;
  }
  if (plan->empty()) {
    return sayNothingToTune(op);
  }
  const double end = secondsNow() + options.seconds;
  int trials = options.trials;
  for (size_t i = 0; i < plan->size() && !interrupted; ++i) {
    const LayerProblem &layer = (*plan)[i];
    if (layer.layers.size() > 1) {
      llvm::outs() << op.name << ": the rules of layer '"
                   << layer.layers.front() << "' serve "
                   << llvm::join(llvm::drop_begin(layer.layers), ", ")
                   << ", too\n";
    }
    const double share = shareOf(*plan, i);
    const Budget budget = {
        std::max(1, int(std::lround(share * double(trials)))),
        share * std::max(0.0, end - secondsNow())};
    const int before = trialsMade;
    const int status = tuneProblem(file, *layer.problem, budget);
    if (status != ExitSuccess) {
      return status;
    }
    trials = std::max(0, trials - (trialsMade - before));
  }
  return ExitSuccess;
}

int TuneRun::tuneProblem(const OpFile &file, const TuneProblem &problem,
                         const Budget &budget) {
  const ast::Op &op = problem.op();
  TuneOptions tune = tuneOptions(file, op, budget);
  if (tune.byModel) {
    const TargetDesc &target = file.target().desc();
    if (llvm::Error missing =
            checkModel(target.triple, tune.model, target.features)) {
      return reportError("target '" + target.name +
                             "' cannot be run here, so its schedules can only "
                             "be ranked, and " +
                             llvm::toString(std::move(missing)) +
                             "; name another CPU with --cpu, or a machine "
                             "with --runner",
                         ExitUsage);
    }
  }
  tune.report = printTuneProgress;
  if (options.file.isQuiet) {
    tune.report = [](const TuneProgress &) {};
  }
  const Result<TuneOutcome> outcome = Tuner(problem, log, tune).run();
  if (!outcome.ok()) {
    return reportError("operator '" + op.name + "': " + outcome.message());
  }
  interrupted |= outcome->isInterrupted;
  trialsMade += outcome->newTrials + outcome->knownTrials;
  printTuneOutcome(problem, *outcome, tune);
  const Status written = writeRules(problem, *outcome);
  return written.ok() ? ExitSuccess : reportError(written.message());
}

int TuneRun::tuneFile(OpFile &file) {
  for (const ast::Op *op : file.ops()) {
    const int status = tuneOp(file, *op);
    if (status != ExitSuccess || interrupted) {
      return status;
    }
  }
  return ExitSuccess;
}

} // namespace lpgen
