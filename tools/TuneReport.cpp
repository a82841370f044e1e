// What `lpgen tune` says. See TuneReport.h.
#include "tools/TuneReport.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/raw_ostream.h"
#include <cmath>

namespace lpgen {

void printTuneProgress(const TuneProgress &progress) {
  std::string line = llvm::formatv("{0}: {1}: trial {2}", progress.op,
                                   progress.label, progress.trial);
  if (progress.trials < kAllTrials) {
    line += "/" + std::to_string(progress.trials);
  }
  if (progress.isKnown) {
    line += " (known)";
  }
  if (!progress.last->ok()) {
    line += ", " + progress.last->status;
  }
  if (progress.best) {
    line += ", best " + progress.best->speed() + " " +
            progress.best->schedules[progress.contraction];
  }
  if (std::isfinite(progress.secondsLeft)) {
    line += llvm::formatv(", {0:f0} s left", progress.secondsLeft);
  }
  const bool isTerminal = llvm::errs().is_displayed();
  if (isTerminal) {
    // A line that wraps could not be written over.
    const unsigned columns = llvm::sys::Process::StandardErrColumns();
    if (columns > 1 && line.size() >= columns) {
      line.resize(columns - 1);
    }
    llvm::errs() << "\r\033[K" << line;
  } else {
    llvm::errs() << line << "\n";
  }
  if (!progress.last->ok() && !progress.isKnown) {
    llvm::errs() << (isTerminal ? "\n" : "") << "lpgen: warning: "
                 << progress.last->schedules[progress.contraction] << ": "
                 << progress.last->message << "\n";
  }
}

void printTuneOutcome(const TuneProblem &problem, const TuneOutcome &outcome,
                      const TuneOptions &options) {
  if (llvm::errs().is_displayed()) {
    llvm::errs() << "\r\033[K";
  }
  for (const TunedContraction &tuned : outcome.tuned) {
    llvm::outs() << problem.op().name << ": "
                 << problem.label(tuned.contraction) << ": "
                 << tuned.best.schedules[tuned.contraction] << ", "
                 << tuned.best.speed() << "\n";
  }
  for (const std::string &note : outcome.notes) {
    llvm::outs() << problem.op().name << ": " << note << "\n";
  }
  llvm::outs() << problem.op().name
               << ": trials made now: " << outcome.newTrials
               << ", known from the log: " << outcome.knownTrials << "; "
               << (options.byModel
                       ? "ranked by LLVM's machine code analyzer with the "
                         "model of "
                       : "measured on ")
               << (options.byModel ? options.model : options.cpu)
               << (options.byModel ? ", not measured" : "")
               << (outcome.isInterrupted ? "; interrupted" : "") << "\n";
}

} // namespace lpgen
