// A program of its own for generated kernels: linked from the kernel runner and
// the kernels' objects, run natively or under the target's emulator. A kernel
// that crashes takes that process down, not this one.
#ifndef LPGEN_WORKBENCH_RUN_KERNELPROGRAM_H
#define LPGEN_WORKBENCH_RUN_KERNELPROGRAM_H

#include "base/system/Status.h"
#include "targets/Target.h"
#include "workbench/run/JobFile.h"
#include "workbench/run/TemporaryFile.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include <string>
#include <vector>

namespace lpgen {

/// What a run of the program left: its result file, perhaps cut off, and how
/// the process ended, as the end of a sentence ("was killed by signal 9").
struct RunnerOutput {
  std::string bytes;
  std::string end;
};

class KernelProgram {
public:
  /// Links `objects` (the bytes of ELF objects for `target`). Several kernels
  /// of one operator must be compiled without short names, or these clash.
  /// `remote`, if not empty, is a shell command that runs the shell script it
  /// is given as one more argument on another machine, `ssh board`: the program
  /// then runs there, and nothing but sh, cat, chmod, mktemp and rm is needed.
  static Result<KernelProgram> link(llvm::ArrayRef<llvm::StringRef> objects,
                                    const TargetDesc &target,
                                    const std::string &remote = "");

  /// Runs the jobs in order in one process. The results stand at the jobs'
  /// places; the first job that fails or crashes is an error.
  Result<std::vector<JobResult>> runJobs(llvm::ArrayRef<Job> jobs) const;

  /// The first half of runJobs, before decodeResults. No bytes at all mean that
  /// the program did not even start.
  Result<RunnerOutput> execute(llvm::ArrayRef<Job> jobs) const;

  /// True if the program runs under an emulator.
  bool isEmulated() const { return command.size() > 1; }

private:
  KernelProgram(TemporaryFile executable, std::vector<std::string> command)
      : executable(std::move(executable)), command(std::move(command)) {}
  Result<RunnerOutput> executeHere(const std::string &jobs) const;
  Result<RunnerOutput> executeRemotely(const std::string &jobs) const;

  TemporaryFile executable;
  std::vector<std::string> command; ///< Runs the executable; takes two files.
  std::string remote;               ///< Used instead, if not empty.
};

} // namespace lpgen

#endif // LPGEN_WORKBENCH_RUN_KERNELPROGRAM_H
