// The three products of a convolution on integer tensors, by generated matrix
// product kernels.
//
// Where DirectConv has a kernel for a product, that computes it. Otherwise (16
// bits, groups, the input gradient of a strided convolution, sums that are
// narrowed) it is written as y[i,j] = sum(k) x[i,k] w[j,k] over matrices that
// are made here, a block of images at a time, so that the packed templates of
// the compiler serve all of them:
//
//   forward          x = columns [pixels, taps]    w = weights [outputs, taps]
//   input gradient   x = dy [pixels, outputs]      w = weights^T, then columns
//                    are added to the image they belong to; with stride 1 it is
//                    the forward product of dy with the filters turned by 180
//                    degrees
//   weight gradient  x = columns^T [taps, pixels]  w = dy^T [outputs, pixels]
//
// Sums are exact, whatever the widths and the number of threads.
#ifndef LPGEN_TRAINING_CONTRACTIONS_INTEGERCONV_H
#define LPGEN_TRAINING_CONTRACTIONS_INTEGERCONV_H

#include "training/contractions/ContractionBackend.h"
#include "training/contractions/DirectConv.h"
#include "training/contractions/IntegerGemm.h"

namespace lpgen::quant {

class IntegerConv {
public:
  /// The provider must outlive this.
  IntegerConv(const ConvGeometry &geometry, KernelProvider &kernels)
      : geometry(geometry), kernels(&kernels),
        direct{DirectConv(kernels), DirectConv(kernels), DirectConv(kernels)} {}

  /// Fills y = x w as floats: the exact sum, rounded once, times both scales.
  Status forward(const IntTensor &x, const IntTensor &w, nn::FloatTensor &y,
                 const nn::StepContext &context);
  Status inputGradient(const IntTensor &dy, const IntTensor &w,
                       nn::FloatTensor &dx, const nn::StepContext &context);
  Status weightGradient(const IntTensor &x, const IntTensor &dy,
                        nn::FloatTensor &dw, const nn::StepContext &context);

  /// From now on a sum keeps its low bits only, by product; 64 keeps all.
  void setSumBits(nn::Product product, int bits) {
    sumBits[size_t(product)] = bits;
  }
  /// Sums since the start that had more bits than they kept.
  int64_t wrappedSums(nn::Product product) const {
    return wrapped[size_t(product)];
  }

  /// The symbol of the kernel that last computed a product; "none yet".
  std::string kernelOf(nn::Product product) const;

private:
  Result<IntegerGemm *> gemmFor(nn::Product product, const GemmShape &shape,
                                const nn::StepContext &context);
  Status convolve(nn::Product product, const ConvGeometry &g,
                  const IntTensor &x, const IntTensor &w, nn::FloatTensor &y,
                  const nn::StepContext &context);
  Status convolveColumns(nn::Product product, const ConvGeometry &g,
                         const IntTensor &x, const IntTensor &w,
                         nn::FloatTensor &y, const nn::StepContext &context);
  Status scatteredInputGradient(const IntTensor &dy, const IntTensor &w,
                                nn::FloatTensor &dx,
                                const nn::StepContext &context);

  /// Takes a sum to the bits that it keeps, and counts.
  int64_t keepBits(nn::Product product, int64_t sum, int64_t &count) const {
    const int64_t kept = nn::wrapTo(sum, sumBits[size_t(product)]);
    count += kept != sum;
    return kept;
  }
  bool keepsWholeSums(nn::Product product) const {
    return sumBits[size_t(product)] >= 64;
  }
  template <typename Sum>
  void storeRows(nn::Product product, const Sum *sums, int64_t rows,
                 int64_t columns, float scale, int64_t stride, float *y);

  ConvGeometry geometry;
  std::array<int, 3> sumBits = {64, 64, 64};
  std::array<int64_t, 3> wrapped = {};
  KernelProvider *kernels;
  std::array<std::unique_ptr<IntegerGemm>, 3> gemms; ///< By product.
  std::vector<PackedWeights> packed;                 ///< By group.
  std::array<DirectConv, 3> direct;                  ///< By product.
  std::array<bool, 3> isDirect = {}; ///< What computed a product last.
};

} // namespace lpgen::quant

#endif // LPGEN_TRAINING_CONTRACTIONS_INTEGERCONV_H
