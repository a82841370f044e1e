// The log of the tuner's trials: one JSON object a line, appended as trials
// end, read back by the next run, which then repeats none of them.
#ifndef LPGEN_WORKBENCH_TUNE_TRIALLOG_H
#define LPGEN_WORKBENCH_TUNE_TRIALLOG_H

#include "base/system/Status.h"
#include "llvm/Support/JSON.h"
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace lpgen {

/// One trial: a kernel with a schedule for each of its contractions, and what
/// came of it.
struct TrialRecord {
  // What was tried; two trials with equal values here are the same.
  std::string problem; ///< Hash of the operator with its parameters.
  std::string target;
  std::string cpu;    ///< Where it ran or for which it was ranked.
  std::string source; ///< "measured", "mca"; "final": measured in turns.
  std::vector<std::string> schedules;
  // For whoever reads the log.
  std::string op;
  std::map<std::string, int64_t> params;
  int64_t macs = 0; ///< Multiply-accumulates of one execution.
  // What came of it.
  std::string status; ///< "ok", "wrong" (results differ) or "failed".
  double seconds = 0; ///< Fastest execution, packing included; 0 for "mca".
  double medianSeconds = 0;
  std::optional<double> frequency; ///< Of the core meanwhile, in Hz.
  double cyclesPerMac = 0;         ///< For "mca", of the hot loop.
  std::string message;             ///< Why not "ok".

  bool ok() const { return status == "ok"; }
  /// What the search minimizes: seconds, or cycles per MAC of the hot loop.
  double cost() const { return source == "mca" ? cyclesPerMac : seconds; }
  /// "98.32 MAC/cycle", or "12.1 GMAC/s" where the frequency is not known.
  std::string speed() const;
  /// Identity of what was tried.
  std::string key() const;

  llvm::json::Value toJson() const;
  static std::optional<TrialRecord> fromJson(const llvm::json::Value &value);
};

class TrialLog {
public:
  /// Opens a log, or starts one if there is no such file; "" keeps it in
  /// memory only. What an interrupted write left after the last line is cut
  /// off. Any other line that is no record is an error. Several processes may
  /// add to one log.
  static Result<TrialLog> open(const std::string &path);
  ~TrialLog();
  TrialLog(TrialLog &&other) noexcept;
  TrialLog &operator=(TrialLog &&other) = delete;

  /// Adds a record, on disk before it returns.
  Status append(const TrialRecord &record);

  /// The record of the same trial; null if it was never made.
  const TrialRecord *find(const std::string &key) const;
  size_t size() const { return records.size(); }

private:
  TrialLog() = default;
  Status load();

  std::string path;
  int file = -1;                              ///< None without a path.
  std::map<std::string, TrialRecord> records; ///< By key.
};

} // namespace lpgen

#endif // LPGEN_WORKBENCH_TUNE_TRIALLOG_H
