// Where tuned rules lie. See TunedFiles.h.
#include "schedules/TunedFiles.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/TargetParser/Host.h"

namespace lpgen {

std::string tunedCpu(const Target &target, const std::string &asked) {
  if (asked == "none") {
    return "";
  }
  if (!asked.empty()) {
    return asked;
  }
  return hostRuns(target.desc()) ? llvm::sys::getHostCPUName().str()
                                 : target.desc().cpu;
}

std::string userTunedFile(const std::string &cpu) {
  llvm::SmallString<128> path; // Follows XDG_CONFIG_HOME.
  if (!llvm::sys::path::user_config_directory(path)) {
    return "";
  }
  llvm::sys::path::append(path, "lpgen", "tuned", cpu + ".mlir");
  return std::string(path);
}

static std::string shippedTunedFile(const std::string &cpu) {
  static int anchor; // Some address in this program.
  llvm::SmallString<128> path(
      llvm::sys::fs::getMainExecutable(nullptr, &anchor));
  llvm::sys::path::remove_filename(path);
  llvm::sys::path::append(path, "..", "share", "lpgen", "tuned");
  llvm::sys::path::append(path, cpu + ".mlir");
  llvm::sys::path::remove_dots(path, /*remove_dot_dot=*/true);
  return std::string(path);
}

std::vector<std::string> tunedFiles(const std::string &cpu) {
  std::vector<std::string> found;
  if (cpu.empty()) {
    return found;
  }
  for (const std::string &path : {userTunedFile(cpu), shippedTunedFile(cpu)}) {
    if (!path.empty() && llvm::sys::fs::exists(path)) {
      found.push_back(path);
    }
  }
  return found;
}

} // namespace lpgen
