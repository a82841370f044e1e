// Stored measurements of schedules, schedules/measured/<cpu>.jsonl, beside what
// the cost model says of them. bench/cost/measure writes them; the fit of the
// model's prices and a test read them.
#ifndef LPGEN_WORKBENCH_TUNE_MEASURED_H
#define LPGEN_WORKBENCH_TUNE_MEASURED_H

#include "base/system/Status.h"
#include "targets/cpus/Costs.h"
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace lpgen {

/// One line of a store: an operator with one contraction, for a target.
struct MeasuredCase {
  std::string file; ///< From the root of the sources.
  std::string op;
  std::map<std::string, int64_t> params;
  std::string target;
  std::map<std::string, double> cycles; ///< Of one execution, by schedule.

  /// For people: "c2 AB=2 WB=2 x86_avx2".
  std::string name() const;
};

/// The lines of a store. An error names the line that is none.
Result<std::vector<MeasuredCase>> readMeasured(const std::string &path);

/// A measured schedule as the cost model sees it.
struct CountedSchedule {
  std::string schedule;
  std::string cell;
  CostTerms terms;
  double predicted = 0; ///< Cycles by the prices of today.
  double measured = 0;
  bool isCandidate = false; ///< One that the model chooses from.
};

/// The schedules of a case that have a cell, counted for `cpu`; `root` holds
/// the case's file. An error if the file has no such operator or a schedule
/// cannot be applied to it.
Result<std::vector<CountedSchedule>> countMeasured(const MeasuredCase &measured,
                                                   const std::string &root,
                                                   const std::string &cpu);

} // namespace lpgen

#endif // LPGEN_WORKBENCH_TUNE_MEASURED_H
