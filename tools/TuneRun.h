// One run of `lpgen tune`: each operator, or each layer of a network, is tuned
// within its budget, and its rules are written as soon as they are known.
#ifndef LPGEN_TOOLS_TUNERUN_H
#define LPGEN_TOOLS_TUNERUN_H

#include "tools/CommonOptions.h"
#include "workbench/tune/Tuner.h"

namespace lpgen {

struct TuneCommandOptions {
  OpFileOptions file;
  int trials = 100;
  double seconds = 60;
  bool isExhaustive = false;
  std::string log;
  std::string output;
  std::string runner;
};

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

/// True if `path` is something else than a file, as /dev/null or a pipe.
bool isStream(const std::string &path);

} // namespace lpgen

#endif // LPGEN_TOOLS_TUNERUN_H
