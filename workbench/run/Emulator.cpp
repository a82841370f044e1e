// Chooses between the CPU at hand and an emulator: qemu's user mode, or one of
// tools/emulators for AVX-512 and AVX-VNNI, which stand beside lpgen.
#include "workbench/run/Emulator.h"
#include "base/abi/CpuFeatures.h"
#include "runtime/kernels/KernelRunner.h"
#include "workbench/run/Linker.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
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

/// The folder of the running program.
static std::string ownFolder() {
  static int anchor = 0;
  const std::string path = llvm::sys::fs::getMainExecutable(nullptr, &anchor);
  return llvm::sys::path::parent_path(path).str();
}

/// Tests emulate what this CPU could run.
static bool mustEmulate(const TargetDesc &target) {
  const std::optional<std::string> wish =
      llvm::sys::Process::GetEnv("LPGEN_EMULATE");
  return wish && *wish == target.emulator && !target.emulator.empty();
}

Result<std::vector<std::string>> commandFor(const TargetDesc &target,
                                            const std::string &program) {
  if (hostRuns(target) && !mustEmulate(target)) {
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
  const std::string folder = ownFolder();
  const std::string emulator = findProgram({target.emulator}, {folder});
  if (emulator.empty()) {
    const std::string remedy =
        llvm::StringRef(target.emulator).starts_with("qemu")
            ? "install it with 'apt-get install qemu-user-static'"
            : "builds of lpgen's sources have it beside lpgen";
    return Status::error(cannot + ", and its emulator '" + target.emulator +
                         "' is not in PATH; " + remedy);
  }
  std::vector<std::string> command = {emulator};
  if (!target.emulatorCpu.empty()) {
    command.insert(command.end(), {"-cpu", target.emulatorCpu});
  }
  command.push_back(program);
  return command;
}

} // namespace lpgen
