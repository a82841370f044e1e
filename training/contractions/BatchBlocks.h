// Blocks of images as tasks of workers that have memory of their own.
#ifndef LPGEN_TRAINING_CONTRACTIONS_BATCHBLOCKS_H
#define LPGEN_TRAINING_CONTRACTIONS_BATCHBLOCKS_H

#include "base/system/Status.h"
#include "operators/builder/ConvGeometry.h"
#include "training/core/StepContext.h"
#include <algorithm>
#include <vector>

namespace lpgen::quant {

/// Images [begin, end) of a batch.
using ImageRange = TaskRange;

/// Runs `work(worker, images)` -> Status for all blocks of `length` images of a
/// batch; returns an error if there was one. Which worker gets which block must
/// not matter.
template <typename Work>
Status forEachBatchBlock(int64_t length, int64_t images,
                         const nn::StepContext &context, Work work) {
  std::vector<Status> results(static_cast<size_t>(nn::numWorkers(context)));
  const auto share = [&](int worker, TaskRange blocks) {
    Status &result = results[size_t(worker)];
    for (int64_t b = blocks.begin; b < blocks.end && result.ok(); ++b) {
      result = work(worker,
                    ImageRange{b * length, std::min((b + 1) * length, images)});
    }
  };
  const int64_t blocks = (images + length - 1) / length;
  if (context.pool) {
    context.pool->run(blocks, share);
  } else {
    share(0, {0, blocks});
  }
  for (Status &result : results) {
    LPGEN_RETURN_IF_ERROR(result);
  }
  return Status::success();
}

/// The same for the blocks of the geometry.
template <typename Work>
Status forEachBatchBlock(const ConvGeometry &g, int64_t images,
                         const nn::StepContext &context, Work work) {
  return forEachBatchBlock(g.imagesPerBlock(), images, context, work);
}

/// Memory of the calling thread for elements of T, kept from call to call.
template <typename T>
T *workerMemory(int64_t size) {
  thread_local std::vector<T> memory;
  if (memory.size() < size_t(size)) {
    memory.resize(size_t(size));
  }
  return memory.data();
}

} // namespace lpgen::quant

#endif // LPGEN_TRAINING_CONTRACTIONS_BATCHBLOCKS_H
