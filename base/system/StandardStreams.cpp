// Both libraries remember a failure.
#include "base/system/StandardStreams.h"
#include "base/system/SystemError.h"
#include <array>
#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <iostream>
#include <unistd.h>

namespace lpgen {

void openStandardStreams() {
  // An output without the right to write fails, as one that is closed does.
  constexpr std::array<int, 3> flags = {O_RDONLY, O_RDONLY, O_WRONLY};
  for (int stream = 0; stream < int(flags.size()); ++stream) {
    if (::fcntl(stream, F_GETFD) < 0) {
      // The lowest free number is this one.
      (void)::open("/dev/null", flags[size_t(stream)]);
    }
  }
}

Status flushStandardOutput() {
  errno = 0;
  std::cout.flush();
  const bool isGood =
      std::fflush(stdout) == 0 && std::ferror(stdout) == 0 && std::cout;
  return isGood ? Status::success()
                : Status::error(
                      "cannot write to standard output" +
                      (errno == 0 ? "" : ": " + describeSystemError(errno)));
}

} // namespace lpgen
