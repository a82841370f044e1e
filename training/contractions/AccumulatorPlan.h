// How wide an accumulator must be: the exact bound for integers, and the
// variance-retention analysis for floating point (Sakr et al. 2019, arXiv
// 1901.06588).
#ifndef LPGEN_TRAINING_CONTRACTIONS_ACCUMULATORPLAN_H
#define LPGEN_TRAINING_CONTRACTIONS_ACCUMULATORPLAN_H

#include "training/core/IntTensor.h"
#include "training/core/LayerSpec.h"
#include <array>

namespace lpgen::quant {

/// Bits of two's complement that hold any sum of `terms` products of operands
/// up to xMax and wMax: ceil(log2(terms xMax wMax + 1)) + 1.
int exactAccumulatorBits(int64_t terms, int64_t xMax, int64_t wMax);

/// Mean and mean square of the elements.
struct Moments {
  double mean = 0;
  double meanSquare = 0;
};
Moments momentsOf(const IntTensor &tensor);

/// Bits of two's complement that hold a sum of `terms` products of independent
/// operands up to so many standard deviations:
///   1 + ceil(log2(|terms E[x] E[w]| + sigmas sqrt(terms E[x^2] E[w^2])))
/// at least 2.
int statisticalAccumulatorBits(int64_t terms, const Moments &x,
                               const Moments &w, double sigmas);

/// The number of first events of partial swamping that the analysis counts for
/// each stage, which its source leaves open.
enum class SwampingStages { One, PowerOfTwo };

/// Variance of a sum of n terms with mAcc mantissa bits relative to that of the
/// exact sum, the terms having mProduct mantissa bits.
double varianceRetention(int mAcc, int mProduct, int64_t n,
                         SwampingStages stages);

/// The fewest mantissa bits with n (1 - retention) < ln 50, whichever way
/// stages are counted; at least mProduct.
int leastMantissa(int mProduct, int64_t n);
/// The same with sums of `chunk` terms apart: enough within a chunk, and for
/// the chunks, whose terms have up to mProduct + log2(chunk) bits.
int leastChunkedMantissa(int mProduct, int64_t n, int64_t chunk);
/// Mantissa bits of a product of a layer here, `offset` more than planned for n
/// terms; chunk 0 is one sum. In the last layer at least the 10 of 16-bit
/// floats (section 5 of the paper).
int plannedMantissa(nn::LayerPlace place, int mProduct, int64_t n,
                    int64_t chunk, int offset);

/// Terms of one sum of each product of a layer, by Product: inputs under a
/// filter, outputs that an input reaches, pixels of a batch.
std::array<int64_t, 3> reductionLengths(const ConvGeometry &geometry,
                                        int64_t batchSize);

} // namespace lpgen::quant

#endif // LPGEN_TRAINING_CONTRACTIONS_ACCUMULATORPLAN_H
