// Runs ld.lld as a process. The linker is looked up in one place, here.
#include "workbench/run/Linker.h"
#include "base/system/Subprocess.h"
#include "llvm/Support/Program.h"
#include <optional>
#include <vector>

namespace lpgen {

std::string findProgram(llvm::ArrayRef<llvm::StringRef> names,
                        llvm::ArrayRef<llvm::StringRef> folders) {
  for (llvm::StringRef name : names) {
    if (auto path = llvm::sys::findProgramByName(name)) {
      return *path;
    }
  }
  if (!folders.empty()) {
    for (llvm::StringRef name : names) {
      if (auto path = llvm::sys::findProgramByName(name, folders)) {
        return *path;
      }
    }
  }
  return "";
}

/// The linker of our LLVM version; an older plain ld.lld does for these simple
/// links, but comes last.
Result<std::string> findLinker() {
  const llvm::StringRef folder = "/usr/lib/llvm-22/bin";
  std::string linker = findProgram({"ld.lld-22"});
  if (linker.empty()) {
    if (auto path = llvm::sys::findProgramByName("ld.lld", {folder})) {
      return *path;
    }
    linker = findProgram({"ld.lld"});
  }
  if (linker.empty()) {
    return Status::error("no linker: expected ld.lld-22 or ld.lld in PATH or "
                         "in /usr/lib/llvm-22/bin; install it with 'apt-get "
                         "install lld-22'");
  }
  return linker;
}

Status linkObjects(LinkKind kind, llvm::ArrayRef<std::string> objectPaths,
                   llvm::StringRef output) {
  const Result<std::string> linker = findLinker();
  LPGEN_RETURN_IF_ERROR(linker.status());
  std::vector<std::string> arguments = {*linker, "-o", output.str()};
  if (kind == LinkKind::Program) {
    arguments.emplace_back("-static");
  } else {
    arguments.insert(arguments.end(), {"-shared", "-z", "defs"});
  }
  arguments.insert(arguments.end(), objectPaths.begin(), objectPaths.end());
  const Result<ProgramOutcome> outcome = runProgram(arguments);
  LPGEN_RETURN_IF_ERROR(outcome.status());
  return outcome->exitStatus == 0
             ? Status::success()
             : Status::error("linking with '" + *linker + "' failed (status " +
                             std::to_string(outcome->exitStatus) + "):\n" +
                             outcome->messages);
}

} // namespace lpgen
