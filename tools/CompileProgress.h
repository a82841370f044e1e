// What `lpgen compile` says while a long compilation runs.
#ifndef LPGEN_TOOLS_COMPILEPROGRESS_H
#define LPGEN_TOOLS_COMPILEPROGRESS_H

#include "compiler/pipeline/Compile.h"
#include <chrono>

namespace lpgen {

/// A line on the terminal with operator, step and seconds, from some seconds
/// after the start on; nothing where stderr is no terminal.
class CompileProgress {
public:
  CompileProgress() = default;
  ~CompileProgress();
  CompileProgress(const CompileProgress &) = delete;
  CompileProgress &operator=(const CompileProgress &) = delete;

  void begin(const CompileStep &step);

private:
  std::chrono::steady_clock::time_point start =
      std::chrono::steady_clock::now();
  bool isShown = false;
};

} // namespace lpgen

#endif // LPGEN_TOOLS_COMPILEPROGRESS_H
