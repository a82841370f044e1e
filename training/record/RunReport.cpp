// Drawing is done by another program, which the benchmarks' report shares.
#include "training/record/RunReport.h"
#include "base/system/Subprocess.h"

namespace lpgen::train {

Status writeRunReport(const std::string &runFolder) {
  const Result<std::string> programs = programFolder();
  LPGEN_RETURN_IF_ERROR(programs.status());
  const std::string maker = *programs + "/../share/lpgen/report/train-report";
  const Result<ProgramOutcome> outcome = runProgram({maker, runFolder});
  LPGEN_RETURN_IF_ERROR(outcome.status());
  if (outcome->exitStatus != 0) {
    return Status::error("'" + maker + "' ended with status " +
                         std::to_string(outcome->exitStatus) + ": " +
                         outcome->messages);
  }
  return Status::success();
}

} // namespace lpgen::train
