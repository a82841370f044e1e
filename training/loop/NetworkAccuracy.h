// How many test images a network gets right that is in a file: operators, or a
// file of another tool. It is compiled, and its kernel runs on the images.
#ifndef LPGEN_TRAINING_LOOP_NETWORKACCURACY_H
#define LPGEN_TRAINING_LOOP_NETWORKACCURACY_H

#include "runtime/kernels/KernelProvider.h"
#include "training/loop/Trainer.h"

namespace lpgen::train {

/// The file is a network by its name: it ends in .lp, .onnx or .tflite.
bool isNetworkFile(const std::string &path);

struct NetworkOptions {
  std::string file;
  std::string op; ///< Of the file; "" if it has one only.
  std::string data;
  /// The network sees (pixel - mean) / deviation, for each channel or for all;
  /// what the type of its input suggests if they are empty.
  std::vector<float> mean;
  std::vector<float> deviation;
  int64_t images = 0; ///< The first ones; 0: all.
  CompilerOptions compiler;
  int threads = 1;
};

struct NetworkAccuracy {
  Totals totals; ///< Without a loss.
  /// What the network sees: "x: f32[?n <= 64, 784], (pixel - 0) / 255".
  std::string input;
  std::vector<int64_t> classes; ///< Of each image.
};

Result<NetworkAccuracy> measureAccuracy(const NetworkOptions &options);

} // namespace lpgen::train

#endif // LPGEN_TRAINING_LOOP_NETWORKACCURACY_H
