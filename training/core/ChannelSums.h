// Sums over all rows of a tensor for each channel, the last dimension: bias
// gradients and the statistics of batch normalization.
#ifndef LPGEN_TRAINING_CORE_CHANNELSUMS_H
#define LPGEN_TRAINING_CORE_CHANNELSUMS_H

#include "training/core/StepContext.h"
#include <vector>

namespace lpgen::nn {

/// Calls `add(range, sums)` for ranges that make up [0, rows), which adds its
/// rows to `sums`, `width` doubles; returns their totals. The order of
/// additions does not depend on the number of threads.
template <typename Add>
std::vector<double> sumRows(const StepContext &context, int64_t rows,
                            int64_t width, Add add) {
  std::vector<double> parts(size_t(reductionParts * width), 0.0);
  forEachPart(context, rows, [&](int part, TaskRange range) {
    add(range, parts.data() + part * width);
  });
  for (int part = 1; part < reductionParts; ++part) {
    for (int64_t i = 0; i < width; ++i) {
      parts[size_t(i)] += parts[size_t(part * width + i)];
    }
  }
  parts.resize(size_t(width));
  return parts;
}

} // namespace lpgen::nn

#endif // LPGEN_TRAINING_CORE_CHANNELSUMS_H
