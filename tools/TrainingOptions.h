// What the programs that train, evaluate and export have in common.
#ifndef LPGEN_TOOLS_TRAININGOPTIONS_H
#define LPGEN_TOOLS_TRAININGOPTIONS_H

#include "training/loop/StoredRun.h"
#include <CLI/CLI.hpp>
#include <cstdio>

namespace lpgen {

/// Registers how kernels are made and run.
inline void addKernelOptions(CLI::App &app, int &threads,
                             CompilerOptions &compiler) {
  app.add_option("--threads", threads, "Threads; results do not depend on them")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  app.add_option("--compiler", compiler.program,
                 "The lpgen program that makes kernels; that beside this one "
                 "if not given");
  app.add_option("--kernel-cache", compiler.cacheFolder,
                 "Folder of compiled kernels; ~/.cache/lpgen/kernels if not "
                 "given");
}

/// Registers RUN and the options of loading it.
inline void addStoredRunOptions(CLI::App &app,
                                train::StoredRunOptions &options) {
  app.add_option("RUN", options.folder, "Folder that lpgen train wrote")
      ->required();
  app.add_option("--data", options.data,
                 "Data set instead of that of the run, if it has moved");
  addKernelOptions(app, options.threads, options.compiler);
}

/// "9012 of 10000 test images right, 90.12 %"
inline std::string describeAccuracy(const train::Totals &totals) {
  std::array<char, 96> text;
  (void)std::snprintf(
      text.data(), text.size(), "%lld of %lld test images right, %.2f %%",
      static_cast<long long>(totals.correct),
      static_cast<long long>(totals.images), 100.0 * totals.accuracy());
  return text.data();
}

/// One line for each class, in the order of the images.
inline std::string toLines(const std::vector<int64_t> &classes) {
  std::string lines;
  for (const int64_t number : classes) {
    lines += std::to_string(number) + "\n";
  }
  return lines;
}

} // namespace lpgen

#endif // LPGEN_TOOLS_TRAININGOPTIONS_H
