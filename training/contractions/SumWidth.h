// How many bits the integer sums of a product keep, on their way to floats.
#ifndef LPGEN_TRAINING_CONTRACTIONS_SUMWIDTH_H
#define LPGEN_TRAINING_CONTRACTIONS_SUMWIDTH_H

#include "training/core/Accumulators.h"
#include <atomic>
#include <cstdint>

namespace lpgen::quant {

class SumWidth {
public:
  /// From now on a sum keeps its low bits only; 64 keeps all.
  void set(int bits) { kept = bits; }
  bool keepsAll() const { return kept >= 64; }
  /// Sums since the start that had more bits than they kept.
  int64_t wrappedSums() const { return wrapped; }

  /// y[i] = sums[i] * scale, rows of `columns` elements `stride` apart in y.
  /// Workers may store at once.
  template <typename Sum>
  void store(const Sum *sums, int64_t rows, int64_t columns, float scale,
             int64_t stride, float *y) {
    int64_t count = 0;
    for (int64_t row = 0; row < rows; ++row) {
      const Sum *from = sums + row * columns;
      float *to = y + row * stride;
      for (int64_t c = 0; keepsAll() && c < columns; ++c) {
        to[c] = float(from[c]) * scale;
      }
      for (int64_t c = 0; !keepsAll() && c < columns; ++c) {
        const int64_t sum = nn::wrapTo(from[c], kept);
        count += sum != from[c] ? 1 : 0;
        to[c] = float(sum) * scale;
      }
    }
    if (count > 0) {
      std::atomic_ref(wrapped) += count;
    }
  }

private:
  int kept = 64;
  int64_t wrapped = 0;
};

} // namespace lpgen::quant

#endif // LPGEN_TRAINING_CONTRACTIONS_SUMWIDTH_H
