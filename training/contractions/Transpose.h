// Matrices with rows and columns exchanged.
#ifndef LPGEN_TRAINING_CONTRACTIONS_TRANSPOSE_H
#define LPGEN_TRAINING_CONTRACTIONS_TRANSPOSE_H

#include <algorithm>
#include <cstdint>

namespace lpgen::quant {

/// to[column * toStride + row] = from[row * fromStride + column]. In squares,
/// so that cache lines are used up.
template <typename T>
void transposeInSquares(const T *from, int64_t rows, int64_t columns,
                        int64_t fromStride, int64_t toStride, T *to) {
  constexpr int64_t side = 16;
  for (int64_t r0 = 0; r0 < rows; r0 += side) {
    const int64_t r1 = std::min(r0 + side, rows);
    for (int64_t c0 = 0; c0 < columns; c0 += side) {
      const int64_t c1 = std::min(c0 + side, columns);
      for (int64_t c = c0; c < c1; ++c) {
        for (int64_t r = r0; r < r1; ++r) {
          to[c * toStride + r] = from[r * fromStride + c];
        }
      }
    }
  }
}

template <typename T>
void transpose(const T *from, int64_t rows, int64_t columns, int64_t fromStride,
               int64_t toStride, T *to) {
  transposeInSquares(from, rows, columns, fromStride, toStride, to);
}
/// The same in vector registers.
void transpose(const int8_t *from, int64_t rows, int64_t columns,
               int64_t fromStride, int64_t toStride, int8_t *to);

} // namespace lpgen::quant

#endif // LPGEN_TRAINING_CONTRACTIONS_TRANSPOSE_H
