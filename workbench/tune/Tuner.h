// Tuning one operator: contraction after contraction, the search proposes
// schedules, kernels are measured or ranked, every trial goes to the log.
#ifndef LPGEN_WORKBENCH_TUNE_TUNER_H
#define LPGEN_WORKBENCH_TUNE_TUNER_H

#include "workbench/tune/Measure.h"
#include "workbench/tune/TrialLog.h"
#include "workbench/tune/TuneProblem.h"
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace lpgen {

class Search;

/// What is told after every trial.
/// More trials than there are schedules.
constexpr int kAllTrials = std::numeric_limits<int>::max();

struct TuneProgress {
  std::string op;
  std::string label; ///< Of the contraction.
  int trial = 0;     ///< Of `trials`, for this contraction.
  int trials = 0;
  bool isKnown = false;    ///< The trial was in the log.
  double secondsLeft = 0;  ///< For this contraction.
  const TrialRecord *last; ///< The trial that ended.
  const TrialRecord *best; ///< The best one until now; null if none was ok.
  size_t contraction = 0;  ///< Place of its schedule in the records.
};

struct TuneOptions {
  int trials = 0;            ///< At most so many for the operator.
  double seconds = 0;        ///< No trial starts later than this.
  bool isExhaustive = false; ///< Try all that can be reached.
  bool byModel = false;      ///< Rank by MCA instead of measuring.
  std::string cpu;    ///< Where kernels run or for which they are ranked.
  std::string model;  ///< The CPU whose scheduling model ranks.
  std::string remote; ///< As KernelProgram::link takes it.
  std::string build;  ///< Of this compiler: other builds' trials are
                      ///< not this one's.
  std::map<std::string, int64_t> params; ///< For the log.
  int64_t macs = 0; ///< Multiply-accumulates of one execution.
  std::function<bool()> isInterrupted;
  std::function<void(const TuneProgress &)> report;
};

/// The best trial for one contraction, with the others at their best.
struct TunedContraction {
  size_t contraction = 0;
  TrialRecord best;
};

struct TuneOutcome {
  std::vector<TunedContraction> tuned;
  std::vector<std::string> notes; ///< What was not tuned and why.
  int newTrials = 0;
  int knownTrials = 0; ///< Taken from the log.
  bool isInterrupted = false;
};

class Tuner {
public:
  /// All three must outlive the tuner.
  Tuner(const TuneProblem &problem, TrialLog &log, const TuneOptions &options)
      : problem(problem), log(log), options(options) {}

  /// An error if nothing can be run at all or the log cannot be written.
  Result<TuneOutcome> run();

private:
  struct Budget {
    int trials;
    double deadline; ///< By secondsNow.
  };
  Status tune(size_t contraction, Budget budget);
  Result<std::optional<TrialRecord>> explore(size_t contraction, Budget budget,
                                             Search &search);
  bool passesUnderEmulator(size_t contraction, const TrialRecord &record);
  std::vector<std::string> seeds(size_t contraction) const;
  std::vector<std::string> steps(size_t contraction,
                                 const std::string &schedule) const;
  std::vector<std::string> with(size_t contraction,
                                const std::string &schedule) const;
  TrialRecord blank(const char *source, std::vector<std::string> tried) const;
  Result<const TrialRecord *>
  tryOut(size_t contraction, const std::string &schedule, bool &isKnown);
  Status measure(TrialRecord &record) const;
  void rank(size_t contraction, TrialRecord &record) const;
  Result<std::optional<TrialRecord>>
  decide(size_t contraction, const std::vector<std::string> &finalists);
  Status measureFinal(std::vector<TrialRecord> &records);

  const TuneProblem &problem;
  TrialLog &log;
  const TuneOptions &options;
  std::optional<KernelMeter> meter;   ///< Unless ranked by model.
  std::vector<std::string> schedules; ///< The best until now, by contraction.
  TuneOutcome outcome;
};

} // namespace lpgen

#endif // LPGEN_WORKBENCH_TUNE_TUNER_H
