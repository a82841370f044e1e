// Running another program and waiting for it.
#ifndef LPGEN_BASE_SYSTEM_SUBPROCESS_H
#define LPGEN_BASE_SYSTEM_SUBPROCESS_H

#include "base/system/Status.h"
#include <string>
#include <vector>

namespace lpgen {

struct ProgramOutcome {
  int exitStatus = 0;   ///< 128 + N if signal N ended it.
  std::string messages; ///< What it wrote to stderr.
};

/// The folder of the program that runs this.
Result<std::string> programFolder();

/// Runs arguments[0] with the other arguments, without input; its stdout is
/// dropped. An error only if it cannot be started.
Result<ProgramOutcome> runProgram(const std::vector<std::string> &arguments);

} // namespace lpgen

#endif // LPGEN_BASE_SYSTEM_SUBPROCESS_H
