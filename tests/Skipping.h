// What a test does that needs what this machine lacks, such as an emulator: it
// fails, so that a run that passes has tested everything.
#ifndef LPGEN_TESTS_SKIPPING_H
#define LPGEN_TESTS_SKIPPING_H

#include <cstdlib>
#include <gtest/gtest.h>
#include <string>

namespace lpgen {

/// True if LPGEN_TEST_MAY_SKIP=1 allows tests to be left out.
inline bool maySkip() {
  const char *value = std::getenv("LPGEN_TEST_MAY_SKIP");
  return value && std::string(value) == "1";
}

} // namespace lpgen

/// Ends the test, or the set-up, that this stands in.
#define LPGEN_SKIP_OR_FAIL(WHY)                                                \
  do {                                                                         \
    if (lpgen::maySkip()) {                                                    \
      GTEST_SKIP() << (WHY);                                                   \
    }                                                                          \
    FAIL() << (WHY) << "\nLPGEN_TEST_MAY_SKIP=1 leaves such tests out";        \
  } while (false)

#endif // LPGEN_TESTS_SKIPPING_H
