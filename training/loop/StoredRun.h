// A run from its folder, ready to evaluate: config, data, network, weights.
#ifndef LPGEN_TRAINING_LOOP_STOREDRUN_H
#define LPGEN_TRAINING_LOOP_STOREDRUN_H

#include "runtime/kernels/KernelProvider.h"
#include "training/data/Dataset.h"
#include "training/loop/Trainer.h"
#include <functional>

namespace lpgen::train {

/// A float network that no run has trained.
struct ForeignNetwork {
  std::string name;
  /// Gives the data set what the network sees of its pixels; an error if it
  /// cannot take the images.
  std::function<Status(data::Dataset &data)> takeImages;
  nn::BuildModel build; ///< With its weights.
};

struct StoredRunOptions {
  std::string folder;
  std::string data; ///< Instead of the data set of the config, if not empty.
  std::string adversary; ///< Instead of that of the config, if not empty.
  CompilerOptions compiler;
  int threads = 1;
  /// Makes what takes the place of the policy of the config; an error if that
  /// one cannot be replaced.
  std::function<Result<std::unique_ptr<Policy>>(const Config &config,
                                                KernelProvider &kernels)>
      makePolicy;
};

class StoredRun {
public:
  /// Loads the checkpoint of a folder that `lpgen train` writes, and the data;
  /// that of the first worker if there were several.
  static Result<std::unique_ptr<StoredRun>>
  open(const StoredRunOptions &options);
  /// As if a run of float32 on `options.data` had made the network.
  static Result<std::unique_ptr<StoredRun>> of(const ForeignNetwork &network,
                                               const StoredRunOptions &options);

  Trainer &trainer() { return *restored; }
  const data::Dataset &data() const { return images; }
  ThreadPool &threads() { return pool; }

private:
  explicit StoredRun(const StoredRunOptions &options)
      : pool(options.threads), kernels(options.compiler) {}
  Status makeTrainer(const StoredRunOptions &options, const Config &config,
                     const nn::BuildModel &build);

  ThreadPool pool;
  KernelProvider kernels;
  data::Dataset images;
  std::unique_ptr<ProcessGroup> first; ///< Null for a run of one process.
  std::unique_ptr<Trainer> restored;
};

} // namespace lpgen::train

#endif // LPGEN_TRAINING_LOOP_STOREDRUN_H
