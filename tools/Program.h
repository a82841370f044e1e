// How every program of this project begins and ends.
#ifndef LPGEN_TOOLS_PROGRAM_H
#define LPGEN_TOOLS_PROGRAM_H

#include "base/system/Interruption.h"
#include "base/system/StandardStreams.h"
#include <cstdio>
#include <exception>
#include <new>
#include <unistd.h>

namespace lpgen {

/// What no one caught ends the program in words: memory that there is not.
[[noreturn]] inline void endUncaught() {
  const char *what = "an internal error";
  try {
    if (std::current_exception()) {
      throw;
    }
  } catch (const std::bad_alloc &) {
    what = "out of memory";
  } catch (const std::exception &error) {
    what = error.what();
  } catch (...) {
    what = "an error of an unknown kind";
  }
  std::fprintf(stderr, "lpgen: error: %s\n", what);
  ::_exit(1);
}

/// Called first in main.
inline void startProgram(OnSignal onSignal = OnSignal::End) {
  openStandardStreams();
  endOnSignals(onSignal);
  std::set_terminate(endUncaught);
}

/// `status`, or 1 with a message if standard output did not take the results.
inline int finishProgram(const char *name, int status) {
  const Status printed = flushStandardOutput();
  if (printed.ok()) {
    return status;
  }
  std::fprintf(stderr, "%s: error: %s\n", name, printed.message().c_str());
  return status == 0 ? 1 : status;
}

} // namespace lpgen

#endif // LPGEN_TOOLS_PROGRAM_H
