// Squares of 16 x 16 bytes in vector registers, by four rounds in which row i
// and row i + 8 are interleaved: each moves one bit of the row number to the
// column number.
#include "training/contractions/Transpose.h"
#include "base/system/VectorClones.h"
#include <cstring>

namespace lpgen::quant {

static constexpr int64_t side = 16;
using Bytes = int8_t __attribute__((vector_size(side)));

LPGEN_VECTOR_CLONES
static void transposeSquare(const int8_t *from, int64_t fromStride,
                            int64_t toStride, int8_t *to) {
  Bytes rows[side];
  for (int64_t i = 0; i < side; ++i) {
    std::memcpy(&rows[i], from + i * fromStride, side);
  }
  for (int round = 0; round < 4; ++round) {
    Bytes next[side];
    for (int64_t i = 0; i < side / 2; ++i) {
      const Bytes a = rows[i];
      const Bytes b = rows[i + side / 2];
      next[2 * i] = __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4,
                                            20, 5, 21, 6, 22, 7, 23);
      next[2 * i + 1] = __builtin_shufflevector(
          a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
    }
    std::memcpy(rows, next, sizeof rows);
  }
  for (int64_t i = 0; i < side; ++i) {
    std::memcpy(to + i * toStride, &rows[i], side);
  }
}

void transpose(const int8_t *from, int64_t rows, int64_t columns,
               int64_t fromStride, int64_t toStride, int8_t *to) {
  const int64_t wholeRows = rows / side * side;
  const int64_t wholeColumns = columns / side * side;
  for (int64_t c = 0; c < wholeColumns; c += side) {
    for (int64_t r = 0; r < wholeRows; r += side) {
      transposeSquare(from + r * fromStride + c, fromStride, toStride,
                      to + c * toStride + r);
    }
  }
  transposeInSquares(from + wholeColumns, wholeRows, columns - wholeColumns,
                     fromStride, toStride, to + wholeColumns * toStride);
  transposeInSquares(from + wholeRows * fromStride, rows - wholeRows, columns,
                     fromStride, toStride, to + wholeRows);
}

} // namespace lpgen::quant
