// Running another program and waiting for it.
#ifndef LPGEN_BASE_SYSTEM_SUBPROCESS_H
#define LPGEN_BASE_SYSTEM_SUBPROCESS_H

#include "base/system/Status.h"
#include <string>
#include <vector>

namespace lpgen {

struct ProgramOutcome {
  int exitStatus = 0;   ///< 128 + N if signal N ended it.
  std::string messages; ///< What was caught, see ProgramKind.
};

enum class ProgramKind {
  /// A step of our own work: no input, no output, stderr caught. A signal to
  /// the group of this process (Ctrl-C) does not reach it.
  Step,
  /// The same, but stdout is caught and stderr is lost.
  Question,
  /// Does the work in our place, on our terminal.
  Stand
};

/// The folder of the program that runs this.
Result<std::string> programFolder();

/// Runs arguments[0] with the other arguments and waits for it. It ends when a
/// signal ends this process. An error only if it cannot be started.
Result<ProgramOutcome> runProgram(const std::vector<std::string> &arguments,
                                  ProgramKind kind = ProgramKind::Step);

} // namespace lpgen

#endif // LPGEN_BASE_SYSTEM_SUBPROCESS_H
