// Drawing is done by another program, which the benchmarks' report shares.
#include "runtime/train/RunReport.h"
#include "runtime/core/Subprocess.h"
#include <filesystem>

namespace lpgen::train {

Status writeRunReport(const std::string &runFolder) {
  std::error_code error;
  const std::filesystem::path self =
      std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) {
    return Status::error("cannot find the folder of this program: " +
                         error.message());
  }
  const std::string maker =
      (self.parent_path() / "../share/lpgen/report/train-report").string();
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
