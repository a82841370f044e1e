// `lpgen tune`: finds the best schedules of operators by trying them, and
// writes them down as rules that later compilations follow.
#include "base/system/Interruption.h"
#include "schedules/TunedFiles.h"
#include "tools/Commands.h"
#include "tools/OptionChecks.h"
#include "tools/TuneRun.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"
#include <CLI/CLI.hpp>
#include <cmath>

namespace lpgen {

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
