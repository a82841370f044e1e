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

void CompileProgress::begin(llvm::StringRef op, llvm::StringRef step) {
  const auto passed = std::chrono::duration_cast<std::chrono::seconds>(
      std::chrono::steady_clock::now() - start);
  if (passed < kQuiet || !llvm::errs().is_displayed()) {
    return;
  }
  std::string line =
      (op + ": " + step + ", " + llvm::Twine(passed.count()) + " s").str();
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
