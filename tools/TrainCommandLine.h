// The options of lpgen-train.
#ifndef LPGEN_TOOLS_TRAINCOMMANDLINE_H
#define LPGEN_TOOLS_TRAINCOMMANDLINE_H

#include "runtime/kernels/KernelProvider.h"
#include "training/loop/Config.h"
#include "training/record/LossAllocation.h"
#include <CLI/CLI.hpp>

namespace lpgen::train {

struct TrainOptions {
  Config config;
  std::string out;
  CompilerOptions compiler;
  int threads = 1;
  std::string gradients = "none";
  std::string federated = "none";
  bool isResumed = false;
  bool isQuiet = false;
  bool showsAccumulators = false;
  bool isJson = false;
  int64_t stopAfter = 0;
  LossAllocationOptions allocation;
};

/// Registers everything; those options that a resumed run takes from its
/// checkpoint are returned.
std::vector<CLI::Option *> addTrainOptions(CLI::App &app,
                                           TrainOptions &options);

} // namespace lpgen::train

#endif // LPGEN_TOOLS_TRAINCOMMANDLINE_H
