// Bytes to floats, one image a task.
#include "training/data/Batches.h"
#include "training/core/StepContext.h"
#include <algorithm>

namespace lpgen::data {

namespace {
/// Where the pixels of an augmented image come from.
struct Placement {
  int64_t shiftRows = 0;
  int64_t shiftColumns = 0;
  bool isMirrored = false;
};
} // namespace

static constexpr int64_t maxShift = 4;

static Placement randomPlacement(const nn::RandomKey &key) {
  return {int64_t(key.below(0, 2 * maxShift + 1)) - maxShift,
          int64_t(key.below(1, 2 * maxShift + 1)) - maxShift,
          key.below(2, 2) == 1};
}

static void copyImage(const Dataset &data, const uint8_t *pixels,
                      const Placement &place, float *out) {
  for (int64_t y = 0; y < data.height; ++y) {
    for (int64_t x = 0; x < data.width; ++x, out += data.channels) {
      const int64_t fromY = y + place.shiftRows;
      const int64_t unshifted = place.isMirrored ? data.width - 1 - x : x;
      const int64_t fromX = unshifted + place.shiftColumns;
      if (fromY < 0 || fromY >= data.height || fromX < 0 ||
          fromX >= data.width) {
        std::fill_n(out, data.channels, 0.0F);
        continue;
      }
      const uint8_t *pixel =
          pixels + (fromY * data.width + fromX) * data.channels;
      for (int64_t c = 0; c < data.channels; ++c) {
        out[c] = data.normalized(pixel[c], c);
      }
    }
  }
}

static void shapeBatch(const Dataset &data, int64_t count, Batch &batch) {
  batch.images.resize({count, data.height, data.width, data.channels});
  batch.labels.resize(size_t(count));
}

void TrainBatches::arrange(int64_t epoch) {
  if (orderedEpoch != epoch) {
    order = seed.of(uint64_t(epoch)).of("order").permutation(data.train.count);
    orderedEpoch = epoch;
  }
}

void TrainBatches::readLabels(int64_t epoch, int64_t index, Batch &batch) {
  arrange(epoch);
  shapeBatch(data, batchSize, batch);
  for (int64_t i = 0; i < batchSize; ++i) {
    batch.labels[size_t(i)] =
        data.train.labels[size_t(order[size_t(index * batchSize + i)])];
  }
}

void TrainBatches::read(int64_t epoch, int64_t index, ThreadPool *pool,
                        Batch &batch) {
  assert(index >= 0 && index < perEpoch() && "no such batch");
  arrange(epoch);
  shapeBatch(data, batchSize, batch);
  const nn::RandomKey imageKey = seed.of(uint64_t(epoch)).of("augmentation");
  nn::StepContext context;
  context.pool = pool;
  nn::forEachTask(context, batchSize, [&](int64_t i) {
    const int64_t image = order[size_t(index * batchSize + i)];
    const Placement place = augmentation == Augmentation::CropAndFlip
                                ? randomPlacement(imageKey.of(uint64_t(image)))
                                : Placement();
    copyImage(data, data.train.pixels.data() + image * data.imageSize(), place,
              batch.images.data() + i * data.imageSize());
    batch.labels[size_t(i)] = data.train.labels[size_t(image)];
  });
}

/// Images [begin, end) of a set.
static void readPlain(const Dataset &data, const ImageSet &set, int64_t begin,
                      int64_t end, ThreadPool *pool, Batch &batch) {
  assert(begin >= 0 && begin <= end && end <= set.count);
  shapeBatch(data, end - begin, batch);
  nn::StepContext context;
  context.pool = pool;
  nn::forEachTask(context, end - begin, [&](int64_t i) {
    const int64_t image = begin + i;
    copyImage(data, set.pixels.data() + image * data.imageSize(), Placement(),
              batch.images.data() + i * data.imageSize());
    batch.labels[size_t(i)] = set.labels[size_t(image)];
  });
}

void readTestBatch(const Dataset &data, int64_t begin, int64_t end,
                   ThreadPool *pool, Batch &batch) {
  readPlain(data, data.test, begin, end, pool, batch);
}

void readTrainingImages(const Dataset &data, int64_t begin, int64_t end,
                        ThreadPool *pool, Batch &batch) {
  readPlain(data, data.train, begin, end, pool, batch);
}

} // namespace lpgen::data
