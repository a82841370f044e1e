// The three products of a convolution as matrix products
//   y[m,n] = sum(k) a[m,k] b[n,k]
// over matrices that are made here, a batch block at a time, so that the packed
// templates of the compiler serve all of them. Any widths and groups; what
// IntegerConv takes where DirectConv has no kernel.
#ifndef LPGEN_TRAINING_CONTRACTIONS_MATRIXCONV_H
#define LPGEN_TRAINING_CONTRACTIONS_MATRIXCONV_H

#include "operators/builder/ConvGeometry.h"
#include "training/contractions/IntegerGemm.h"
#include "training/contractions/SumWidth.h"
#include "training/core/FloatTensor.h"
#include "training/core/IntTensor.h"
#include "training/core/StepContext.h"

namespace lpgen::quant {

/// y = x w: columns [pixels, taps] by weights [outputs, taps].
class ColumnConv {
public:
  /// The provider must outlive this, here and below.
  explicit ColumnConv(KernelProvider &kernels) : gemm(kernels) {}
  Status run(const ConvGeometry &g, const IntTensor &x, const IntTensor &w,
             SumWidth &sums, nn::FloatTensor &y,
             const nn::StepContext &context);
  std::string symbol() const { return gemm.symbol(); }

private:
  CachedGemm gemm;
  std::vector<PackedWeights> packed; ///< By group.
};

/// dx of dy and w, whatever the stride: dy [pixels, outputs] by weights^T gives
/// columns, which are added to the image that they belong to.
class ScatterConv {
public:
  explicit ScatterConv(KernelProvider &kernels) : gemm(kernels) {}
  Status run(const ConvGeometry &g, const IntTensor &dy, const IntTensor &w,
             SumWidth &sums, nn::FloatTensor &dx,
             const nn::StepContext &context);
  std::string symbol() const { return gemm.symbol(); }

private:
  CachedGemm gemm;
  std::vector<PackedWeights> packed; ///< By group.
};

/// dw of x and dy: columns^T [taps, pixels] by dy^T [outputs, pixels].
class FilterGradient {
public:
  explicit FilterGradient(KernelProvider &kernels) : gemm(kernels) {}
  Status run(const ConvGeometry &g, const IntTensor &x, const IntTensor &dy,
             SumWidth &sums, nn::FloatTensor &dw,
             const nn::StepContext &context);
  std::string symbol() const { return gemm.symbol(); }

private:
  CachedGemm gemm;
};

} // namespace lpgen::quant

#endif // LPGEN_TRAINING_CONTRACTIONS_MATRIXCONV_H
