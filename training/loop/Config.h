// What determines a training run. The same config gives the same weights on
// any number of threads; it is stored in every checkpoint.
#ifndef LPGEN_TRAINING_LOOP_CONFIG_H
#define LPGEN_TRAINING_LOOP_CONFIG_H

#include "base/system/Status.h"
#include "training/loop/Optimizer.h"
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace lpgen::train {

struct Config {
  std::string model = "cnn";
  std::string data = "fashion-mnist"; ///< A folder, or this name.
  std::string policy = "float32";     ///< NAME or NAME<key=value,...>.
  std::string from; ///< Folder of a run whose weights are the first ones.
  std::string optimizer = "sgd";
  std::string schedule = "cosine";
  std::string augmentation = "none"; ///< Or "crop-flip".
  std::string adversary = "none";    ///< Or "pgd<...>": it moves the images.
  std::string gradients = "none";    ///< Or what workers exchange.
  std::string federated = "none";    ///< Or "fedavg<...>" of workers.
  int64_t workers = 1;
  int64_t epochs = 10;
  int64_t batchSize = 128;
  int64_t trainImages = 0; ///< The first so many; 0 is all.
  uint64_t seed = 1;
  double learningRate = 0.02;
  double momentum = 0.9;
  double weightDecay = 1e-4;
  std::string pruning = "none"; ///< Or "dynhp<...>".
  // What pruning has come to:
  std::string widths;     ///< Outputs of hidden layers, "fc1=128"; "": all.
  int64_t grownBatch = 0; ///< Images of one update now; 0: batchSize.
  /// Updates of smaller batches beyond those of the epochs done.
  int64_t stepsBefore = 0;
  int64_t memoryBytes = 0; ///< That batches grow to; 0: not known yet.

  int64_t imagesPerStep() const { return grownBatch ? grownBatch : batchSize; }

  bool operator==(const Config &other) const = default;
};

/// The names of all fields in JSON.
std::vector<std::string> configFields();
nlohmann::json configToJson(const Config &config);
/// An error names the first field that is unknown, missing or of another type.
Result<Config> configFromJson(const nlohmann::json &json);
/// What no data set or model is needed to see: signs and ranges.
Status checkConfig(const Config &config);

} // namespace lpgen::train

#endif // LPGEN_TRAINING_LOOP_CONFIG_H
