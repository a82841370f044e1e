// Hidden units that are removed for good while a network is trained (dynamic
// hard pruning, DynHP, Valerio et al. 2020, arXiv 2011.08545), and the memory
// that becomes free, which larger batches take.
#ifndef LPGEN_TRAINING_LOOP_PRUNING_H
#define LPGEN_TRAINING_LOOP_PRUNING_H

#include "training/loop/Trainer.h"
#include <map>
#include <string>

namespace lpgen::train {

struct PruningSpec {
  double keep = 0.5;      ///< Part of the hidden units that stays.
  double until = 0.5;     ///< Part of the run after which no more go.
  bool growsBatch = true; ///< Batches take what becomes free.
};

/// "none" or "dynhp<keep=0.5>".
Result<std::optional<PruningSpec>> readPruning(const std::string &text);
std::string pruningHelp();

/// "fc1=128,fc2=64" and back: outputs of layers.
Result<std::map<std::string, int64_t>> readWidths(const std::string &text);
std::string widthsText(const std::map<std::string, int64_t> &widths);

/// What a trainer of a config takes: weights with gradients and velocity, and
/// of each image inputs and outputs of the layers with weights and their
/// gradients. Everything in floats.
struct TrainingMemory {
  int64_t weightBytes = 0;
  int64_t imageBytes = 0;

  int64_t bytes(int64_t batchSize) const {
    return weightBytes + batchSize * imageBytes;
  }
};
Result<TrainingMemory> trainingMemory(const nn::ModelSpec &spec);

/// Units of a layer in epoch `epoch` of `epochs`: of `all` so many as follow
/// from keep, at equal factors from epoch to epoch; a multiple of 8 unless all
/// are fewer.
int64_t unitsAfter(const PruningSpec &spec, int64_t all, int64_t epoch,
                   int64_t epochs);

/// The batch size of images that fills `bytes`, a multiple of 8, from `least`
/// to `most`.
int64_t batchThatFills(const TrainingMemory &memory, int64_t bytes,
                       int64_t least, int64_t most);

/// After an epoch: the trainer that goes on, with fewer units and larger
/// batches; null if nothing changes.
Result<std::unique_ptr<Trainer>> prune(Trainer &trainer, ThreadPool *pool,
                                       KernelProvider *kernels);

} // namespace lpgen::train

#endif // LPGEN_TRAINING_LOOP_PRUNING_H
