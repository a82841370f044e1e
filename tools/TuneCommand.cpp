// `lpgen tune`: finds the best schedules of operators by trying them, and
// writes them down as rules that later compilations follow.
#include "base/system/AtomicFile.h"
#include "base/system/FileLock.h"
#include "base/system/Interruption.h"
#include "base/system/Text.h"
#include "compiler/codegen/Mca.h"
#include "operators/network/InsideMacs.h"
#include "operators/network/Layers.h"
#include "schedules/RuleFile.h"
#include "schedules/TunedFiles.h"
#include "tools/Commands.h"
#include "tools/CommonOptions.h"
#include "tools/OptionChecks.h"
#include "tools/TuneReport.h"
#include "workbench/tune/NetworkPlan.h"
#include "workbench/tune/Tuner.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Support/xxhash.h"
#include <CLI/CLI.hpp>
#include <chrono>
#include <cmath>
#include <ctime>

namespace lpgen {

namespace {
struct TuneCommandOptions {
  OpFileOptions file;
  int trials = 100;
  double seconds = 60;
  bool isExhaustive = false;
  std::string log;
  std::string output;
  std::string runner;
};

/// One run of the command.
class TuneRun {
public:
  TuneRun(const TuneCommandOptions &options, TrialLog log)
      : options(options), log(std::move(log)) {}
  /// Tunes the operators of one file; returns an exit status.
  int tuneFile(OpFile &file);
  bool isInterrupted() const { return interrupted; }

  std::string rulesPath;
  std::string cpu; ///< Whose rules are written.

private:
  /// What may be used for an operator or a layer.
  struct Budget {
    int trials;
    double seconds;
  };
  int tuneOp(OpFile &file, const ast::Op &op);
  int tuneNetwork(OpFile &file, const ast::Op &op);
  int tuneProblem(const OpFile &file, const TuneProblem &problem,
                  const Budget &budget);
  TuneOptions tuneOptions(const OpFile &file, const ast::Op &op,
                          const Budget &budget) const;
  Status writeRules(const TuneProblem &problem,
                    const TuneOutcome &outcome) const;

  const TuneCommandOptions &options;
  TrialLog log;
  bool interrupted = false;
  int trialsMade = 0; ///< Those that the log knew included.
};
} // namespace

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
  std::vector<int64_t> sizes;
  sizes.reserve(op.symbols.size());
  for (const ast::Symbol &symbol : op.symbols) {
    sizes.push_back(symbol.bound);
  }
  tune.macs = insideMultiplyAccumulates(op, sizes).value_or(
      multiplyAccumulates(op, sizes));
  tune.isInterrupted = lpgen::isInterrupted;
  return tune;
}

/// Is there something else than a file, as /dev/null or a pipe?
static bool isStream(const std::string &path) {
  return llvm::sys::fs::exists(path) && !llvm::sys::fs::is_regular_file(path);
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

/// The file itself, or the operator files of a folder by name.
static Result<std::vector<std::string>> listFiles(const std::string &path) {
  if (!llvm::sys::fs::is_directory(path)) {
    return std::vector<std::string>{path};
  }
  std::vector<std::string> files;
  std::error_code error;
  for (llvm::sys::fs::directory_iterator it(path, error), end;
       !error && it != end; it.increment(error)) {
    if (llvm::sys::path::extension(it->path()) == ".lp") {
      files.push_back(it->path());
    }
  }
  if (error) {
    return Status::error("cannot read folder '" + path +
                         "': " + error.message());
  }
  if (files.empty()) {
    return Status::error("folder '" + path + "' has no operator file (.lp)");
  }
  llvm::sort(files);
  return files;
}

/// The log that goes with a file of rules: CPU.jsonl beside CPU.mlir. None goes
/// with a stream.
static std::string logBeside(const std::string &rules) {
  if (isStream(rules)) {
    return "";
  }
  llvm::SmallString<128> path(rules);
  llvm::sys::path::replace_extension(path, "jsonl");
  return std::string(path);
}

static int runTune(const TuneCommandOptions &options) {
  const Target *target = findTarget(options.file.target);
  if (!target) {
    return reportError(describeUnknownTarget(options.file.target), ExitUsage);
  }
  const std::string cpu = options.runner.empty() || !options.file.cpu.empty()
                              ? tunedCpu(*target, options.file.cpu)
                              : target->desc().cpu;
  if (cpu.empty()) {
    return reportError("tune writes rules for a CPU, so --cpu needs its name, "
                       "not 'none'",
                       ExitUsage);
  }
  const std::string rules =
      options.output.empty() ? userTunedFile(cpu) : options.output;
  if (rules.empty()) {
    return reportError("there is no home folder for tuned rules; choose a "
                       "file with -o");
  }
  const Result<std::vector<std::string>> paths = listFiles(options.file.file);
  if (!paths.ok()) {
    return reportError(paths.message());
  }
  // Before the log is begun, so that none is left by a file in error.
  std::vector<std::unique_ptr<OpFile>> files;
  for (const std::string &path : *paths) {
    OpFileOptions ofFile = options.file;
    ofFile.file = path;
    int exitCode = ExitSuccess;
    files.push_back(OpFile::load(ofFile, exitCode));
    if (!files.back()) {
      return exitCode;
    }
  }
  Result<TrialLog> log =
      TrialLog::open(options.log.empty() ? logBeside(rules) : options.log);
  if (!log.ok()) {
    return reportError(log.message());
  }
  endOnSignals(OnSignal::Tell);
  TuneRun run(options, std::move(*log));
  run.rulesPath = rules;
  run.cpu = cpu;
  for (const std::unique_ptr<OpFile> &file : files) {
    const int status = run.tuneFile(*file);
    if (status != ExitSuccess) {
      return status;
    }
    if (run.isInterrupted()) {
      llvm::errs() << "lpgen: interrupted; the same command goes on where this "
                      "one stopped\n";
      return ExitInterrupted;
    }
  }
  llvm::outs() << "rules for " << cpu << " are in " << rules << "\n";
  return ExitSuccess;
}

void addTuneCommand(CLI::App &app, int &exitCode) {
  CLI::App *command = app.add_subcommand(
      "tune", "Try schedules, and write down the best for later compilations");
  const auto options = std::make_shared<TuneCommandOptions>();
  addOpFileOptions(*command, options->file);
  command->remove_option(command->get_option("--schedule"));
  command->remove_option(command->get_option("--small"));
  command->remove_option(command->get_option("--schedule-file"));
  command->get_option("FILE")->description(
      "File of operators (.lp), or a folder of such files");
  command->get_option("--cpu")->description(
      "CPU to tune for, in LLVM's naming; this one if it runs the target's "
      "code, else the one that the target is scheduled for");
  CLI::Option *trials =
      command
          ->add_option("--trials", options->trials,
                       "Most schedules to try for each operator, all layers "
                       "of a network together")
          ->check(CLI::Range(1, 1000000))
          ->capture_default_str();
  CLI::Option *time =
      command
          ->add_option("--time", options->seconds,
                       "Most seconds for each operator, all layers of a "
                       "network together")
          ->check(isNumber(0, 1e6))
          ->capture_default_str();
  command->add_flag("--exhaustive", options->isExhaustive,
                    "Try everything; no limits but those that are given");
  command
      ->add_option("--log", options->log,
                   "File of trials (JSON lines), which a later run goes on "
                   "from; beside the rules, CPU.jsonl, if not given")
      ->check(isPath());
  command
      ->add_option("-o,--output", options->output,
                   "File of rules to merge into; the user's file for the "
                   "CPU, which compilations find by themselves, if not "
                   "given")
      ->check(isPath());
  command->add_option("--runner", options->runner,
                      "Command that runs a shell script on the machine to "
                      "tune for, e.g. 'ssh board'");
  command->footer(
      "Targets that this CPU does not run, without --runner, are ranked by "
      "LLVM's machine code analyzer.\n"
      "Example: lpgen tune examples/conv3x3_w2a2.lp -D C=64 -D O=64 --time 20\n"
      "         lpgen tune layers --target arm_neon --runner 'ssh board'");
  command->callback([options, trials, time, &exitCode] {
    if (options->isExhaustive) {
      options->trials = trials->count() ? options->trials : kAllTrials;
      options->seconds = time->count() ? options->seconds : HUGE_VAL;
    }
    exitCode = runTune(*options);
  });
}

} // namespace lpgen
