// See CompileProgress.h.
#include "tools/CompileProgress.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/raw_ostream.h"
#include <string>

namespace lpgen {

/// Compilations of less time need no word.
static constexpr std::chrono::seconds kQuiet(2);

CompileProgress::~CompileProgress() {
  if (isShown) {
    llvm::errs() << "\033[K";
  }
}

void CompileProgress::begin(const CompileStep &step) {
  const auto passed = std::chrono::duration_cast<std::chrono::seconds>(
      std::chrono::steady_clock::now() - start);
  if (passed < kQuiet || !llvm::errs().is_displayed()) {
    return;
  }
  std::string line = "compiling " + step.op + ": step " +
                     std::to_string(step.number) + " of " +
                     std::to_string(step.count) + ", " + step.name + ", " +
                     std::to_string(passed.count()) + " s";
  // A line that wraps could not be written over.
  const unsigned columns = llvm::sys::Process::StandardErrColumns();
  if (columns > 1 && line.size() >= columns) {
    line.resize(columns - 1);
  }
  // Back to its start, so that a message takes its place.
  llvm::errs() << "\033[K" << line << "\r";
  isShown = true;
}

} // namespace lpgen
