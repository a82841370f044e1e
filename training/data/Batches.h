// Batches of images: order, augmentation and normalization, all of which depend
// on seed, epoch and image only, never on what was read before.
#ifndef LPGEN_TRAINING_DATA_BATCHES_H
#define LPGEN_TRAINING_DATA_BATCHES_H

#include "base/system/ThreadPool.h"
#include "training/core/FloatTensor.h"
#include "training/core/Random.h"
#include "training/data/Dataset.h"

namespace lpgen::data {

enum class Augmentation {
  None,
  CropAndFlip ///< Shift by up to 4 pixels (outside is the mean), mirror half.
};

struct Batch {
  nn::FloatTensor images; ///< (pixel / 255 - mean) / deviation, NHWC.
  std::vector<uint8_t> labels;
};

/// The training images of one epoch in random order. An incomplete last batch
/// is left out: kernels and statistics see one batch size.
class TrainBatches {
public:
  TrainBatches(const Dataset &data, int64_t batchSize,
               Augmentation augmentation, const nn::RandomKey &seed)
      : data(data), batchSize(batchSize), augmentation(augmentation),
        seed(seed) {}
  int64_t perEpoch() const { return data.train.count / batchSize; }
  /// Batch `index` < perEpoch() of epoch `epoch`.
  void read(int64_t epoch, int64_t index, ThreadPool *pool, Batch &batch);
  /// Its labels; the images have their shape and nothing else.
  void readLabels(int64_t epoch, int64_t index, Batch &batch);

private:
  void arrange(int64_t epoch);

  const Dataset &data;
  int64_t batchSize;
  Augmentation augmentation;
  nn::RandomKey seed;
  int64_t orderedEpoch = -1;
  std::vector<int64_t> order; ///< Of orderedEpoch.
};

/// Test images [begin, end), in order and as they are.
void readTestBatch(const Dataset &data, int64_t begin, int64_t end,
                   ThreadPool *pool, Batch &batch);

/// The same of the training images.
void readTrainingImages(const Dataset &data, int64_t begin, int64_t end,
                        ThreadPool *pool, Batch &batch);

} // namespace lpgen::data

#endif // LPGEN_TRAINING_DATA_BATCHES_H
