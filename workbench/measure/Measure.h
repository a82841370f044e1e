// Measuring several subjects side by side.
//
// They take turns, so that whatever slows the machine down meets all of them;
// the turn's order rotates. What is reported is the minimum, which a busy
// machine spoils least, and the median.
#ifndef LPGEN_WORKBENCH_MEASURE_MEASURE_H
#define LPGEN_WORKBENCH_MEASURE_MEASURE_H

#include "base/system/Status.h"
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace lpgen {

/// Seconds of one execution.
struct Duration {
  double compute = 0;
  double packing = 0; ///< Of activations; 0 where that happened before.
  std::vector<double> layers = {}; ///< Of a network's, packing included.
};

/// Something to measure. `run` executes once and returns how long that took.
struct Subject {
  std::string name;
  std::function<Result<Duration>()> run;
};

/// What the executions of a subject took, with or without packing.
struct Timing {
  double minSeconds = 0;
  double medianSeconds = 0;
  /// In core cycles, by the frequency of the very turn; nothing if the
  /// frequency cannot be measured here.
  std::optional<double> minCycles;
  std::optional<double> medianCycles;
};

struct Measurement {
  std::string name;
  int executions = 0;
  bool hasPacking = false; ///< True if `total` differs from `compute`.
  Timing compute;
  Timing total;
  std::optional<double> frequency; ///< Median in Hz.
  std::vector<double> layers; ///< Seconds in the fastest execution of `total`.
};

/// Measures until every subject had `repetitions` turns and `minSeconds` have
/// passed. Stops at the first failure.
Result<std::vector<Measurement>> measure(const std::vector<Subject> &subjects,
                                         int repetitions, double minSeconds);

} // namespace lpgen

#endif // LPGEN_WORKBENCH_MEASURE_MEASURE_H
