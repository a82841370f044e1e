// Bytes of a matrix with rows and columns exchanged: images to the innermost
// dimension, for the weight gradient.
#ifndef LPGEN_TRAINING_CONTRACTIONS_TRANSPOSEBYTES_H
#define LPGEN_TRAINING_CONTRACTIONS_TRANSPOSEBYTES_H

#include <cstdint>

namespace lpgen::quant {

/// to[column * toStride + row] = from[row * fromStride + column].
void transposeBytes(const int8_t *from, int64_t rows, int64_t columns,
                    int64_t fromStride, int64_t toStride, int8_t *to);

} // namespace lpgen::quant

#endif // LPGEN_TRAINING_CONTRACTIONS_TRANSPOSEBYTES_H
