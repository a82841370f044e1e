// Chooses between the CPU at hand and qemu's user mode.
#include "compiler/run/Emulator.h"
#include "compiler/run/Linker.h"
#include "runtime/core/CpuFeatures.h"
#include "runtime/kernels/KernelRunner.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"

namespace lpgen {

/// Why the target's code cannot run on this CPU.
static std::string obstacle(const TargetDesc &target) {
  if (llvm::Triple(target.triple).getArch() !=
      llvm::Triple(llvm::sys::getProcessTriple()).getArch()) {
    return "its code is for " + target.triple;
  }
  return "this CPU lacks " +
         describeCpuFeatures(target.cpuFeatures & ~lp_cpu_features());
}

Result<std::vector<std::string>> commandFor(const TargetDesc &target,
                                            const std::string &program) {
  if (hostRuns(target)) {
    return std::vector<std::string>{program};
  }
  const std::string cannot =
      "kernels for target '" + target.name +
      "' cannot run on this machine: " + obstacle(target);
  if (target.emulator.empty()) {
    return Status::error(cannot + ", and no emulator for it is known; choose "
                                  "another target, or use a machine that has "
                                  "these features");
  }
  const std::string emulator = findProgram({target.emulator});
  if (emulator.empty()) {
    return Status::error(cannot + ", and its emulator '" + target.emulator +
                         "' is not in PATH; install it with 'apt-get install "
                         "qemu-user-static'");
  }
  std::vector<std::string> command = {emulator};
  if (!target.emulatorCpu.empty()) {
    command.insert(command.end(), {"-cpu", target.emulatorCpu});
  }
  command.push_back(program);
  return command;
}

} // namespace lpgen
