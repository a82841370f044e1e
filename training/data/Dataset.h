// Labelled images in memory, from the files of MNIST, Fashion-MNIST, CIFAR-10
// and CIFAR-100.
#ifndef LPGEN_TRAINING_DATA_DATASET_H
#define LPGEN_TRAINING_DATA_DATASET_H

#include "base/system/Status.h"
#include <cstdint>
#include <string>
#include <vector>

namespace lpgen::data {

struct ImageSet {
  int64_t count = 0;
  std::vector<uint8_t> pixels; ///< [count, height, width, channels]
  std::vector<uint8_t> labels; ///< [count], below the number of classes.
};

struct Dataset {
  std::string name;
  /// Of extents, pixels and labels of all images, as they were loaded.
  uint64_t digest = 0;
  int64_t height = 0;
  int64_t width = 0;
  int64_t channels = 0;
  int64_t classes = 0;
  ImageSet train;
  ImageSet test;
  /// Of the training pixels / 255, for each channel.
  std::vector<float> mean;
  std::vector<float> deviation;

  /// What networks see of a pixel.
  float normalized(uint8_t pixel, int64_t channel) const {
    return (float(pixel) / 255.0F - mean[size_t(channel)]) /
           deviation[size_t(channel)];
  }
  int64_t imageSize() const { return height * width * channels; }
};

enum class Parts {
  All,
  Test ///< No training images, statistics and digest; their files may lack.
};

/// Loads a data set from `source`: a folder, or "fashion-mnist" for where
/// Debian's package has it. What the folder holds decides the format:
/// train-images-idx3-ubyte (.gz or not), data_batch_*.bin (CIFAR-10) or
/// train.bin (CIFAR-100, fine labels); of the test images alone
/// t10k-images-idx3-ubyte, test_batch.bin or test.bin. An error names the file
/// that is missing or damaged.
Result<Dataset> loadDataset(const std::string &source,
                            Parts parts = Parts::All);

/// Keeps the first `count` training images (files are shuffled already); all
/// if `count` is 0. An error if there are fewer.
Status limitTraining(Dataset &data, int64_t count);

// The formats.
Result<Dataset> loadIdxDataset(const std::string &folder, Parts parts);
Result<Dataset> loadCifar10(const std::string &folder, Parts parts);
Result<Dataset> loadCifar100(const std::string &folder, Parts parts);

} // namespace lpgen::data

#endif // LPGEN_TRAINING_DATA_DATASET_H
