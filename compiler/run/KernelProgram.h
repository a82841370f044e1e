// A program of its own for generated kernels: linked from the kernel runner and
// the kernels' objects, run natively or under the target's emulator. A kernel
// that crashes takes that process down, not this one.
#ifndef LPGEN_COMPILER_RUN_KERNELPROGRAM_H
#define LPGEN_COMPILER_RUN_KERNELPROGRAM_H

#include "compiler/run/JobFile.h"
#include "compiler/run/TemporaryFile.h"
#include "runtime/core/Status.h"
#include "targets/Target.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include <string>
#include <vector>

namespace lpgen {

class KernelProgram {
public:
  /// Links `objects` (the bytes of ELF objects for `target`). Several kernels
  /// of one operator must be compiled without short names, or these clash.
  static Result<KernelProgram> link(llvm::ArrayRef<llvm::StringRef> objects,
                                    const TargetDesc &target);

  /// Runs the jobs in order in one process. The results stand at the jobs'
  /// places; the first job that fails or crashes is an error.
  Result<std::vector<JobResult>> runJobs(llvm::ArrayRef<Job> jobs) const;

  /// True if the program runs under an emulator.
  bool isEmulated() const { return command.size() > 1; }

private:
  KernelProgram(TemporaryFile executable, std::vector<std::string> command)
      : executable(std::move(executable)), command(std::move(command)) {}

  TemporaryFile executable;
  std::vector<std::string> command; ///< Runs the executable; takes two files.
};

} // namespace lpgen

#endif // LPGEN_COMPILER_RUN_KERNELPROGRAM_H
