// The three products of a convolution on integer tensors, by generated kernels.
//
// The planner of a layer: it chooses for each call which algorithm computes the
// product.
//
//   Direct    images as they are: 8 bits, one group, whole sums of 32 bits. The
//             input gradient with stride 1 is the forward product of dy with
//             the filters turned by 180 degrees.
//   Columns   the same products as matrix products of columns.
//   Scatter   the input gradient with any stride: columns that are added to the
//             image they belong to.
//   Filters   the weight gradient as a matrix product.
//
// Sums are exact, whatever the widths and the number of threads.
#ifndef LPGEN_TRAINING_CONTRACTIONS_INTEGERCONV_H
#define LPGEN_TRAINING_CONTRACTIONS_INTEGERCONV_H

#include "training/contractions/ContractionBackend.h"
#include "training/contractions/DirectConv.h"
#include "training/contractions/MatrixConv.h"

namespace lpgen::quant {

class IntegerConv {
public:
  /// The provider must outlive this.
  IntegerConv(const ConvGeometry &geometry, KernelProvider &kernels)
      : geometry(geometry),
        direct{DirectConv(kernels), DirectConv(kernels), DirectConv(kernels)},
        columns{ColumnConv(kernels), ColumnConv(kernels)}, scatter(kernels),
        filters(kernels) {}

  /// Fills y = x w as floats: the exact sum, rounded once, times both scales.
  Status forward(const IntTensor &x, const IntTensor &w, nn::FloatTensor &y,
                 const nn::StepContext &context);
  Status inputGradient(const IntTensor &dy, const IntTensor &w,
                       nn::FloatTensor &dx, const nn::StepContext &context);
  Status weightGradient(const IntTensor &x, const IntTensor &dy,
                        nn::FloatTensor &dw, const nn::StepContext &context);

  /// From now on a sum keeps its low bits only, by product; 64 keeps all.
  void setSumBits(nn::Product product, int bits) {
    sums[size_t(product)].set(bits);
  }
  /// Sums since the start that had more bits than they kept.
  int64_t wrappedSums(nn::Product product) const {
    return sums[size_t(product)].wrappedSums();
  }

  /// The symbol of the kernel that last computed a product; "none yet".
  std::string kernelOf(nn::Product product) const;

private:
  enum class Algorithm { None, Direct, Columns, Scatter, Filters };
  /// Of a product of a and b; `g` is what a convolution takes.
  Algorithm plan(nn::Product product, const ConvGeometry &g, const IntTensor &a,
                 const IntTensor &b) const;
  Status convolve(nn::Product product, const ConvGeometry &g,
                  const IntTensor &x, const IntTensor &w, nn::FloatTensor &y,
                  const nn::StepContext &context);

  ConvGeometry geometry;
  // By product.
  std::array<SumWidth, 3> sums;
  std::array<Algorithm, 3> last = {}; ///< What computed it last.
  std::array<DirectConv, 3> direct;
  std::array<ColumnConv, 2> columns; ///< Forward and input gradient.
  ScatterConv scatter;
  FilterGradient filters;
};

} // namespace lpgen::quant

#endif // LPGEN_TRAINING_CONTRACTIONS_INTEGERCONV_H
