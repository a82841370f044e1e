// Products of a convolution by kernels that take images as they are, or with
// the images innermost: without matrices of columns.
//
// IntegerConv takes them where they apply: one group, sums that fit 32 bits and
// are kept whole. What runs there is most of a training step.
#ifndef LPGEN_TRAINING_CONTRACTIONS_DIRECTCONV_H
#define LPGEN_TRAINING_CONTRACTIONS_DIRECTCONV_H

#include "operators/builder/ConvOperator.h"
#include "runtime/kernels/KernelProvider.h"
#include "runtime/kernels/KernelRunner.h"
#include "training/contractions/BatchBlocks.h"
#include "training/contractions/ContractionBackend.h"
#include "training/core/IntTensor.h"
#include <memory>
#include <vector>

namespace lpgen::quant {

/// One product of one layer. The provider must outlive it.
class DirectConv {
public:
  explicit DirectConv(KernelProvider &kernels) : kernels(&kernels) {}

  static bool convolves(const ConvGeometry &g, const IntTensor &x,
                        const IntTensor &w);
  /// y = x w: the exact sum, rounded once, times both scales.
  Status convolve(const ConvGeometry &g, const IntTensor &x, const IntTensor &w,
                  nn::FloatTensor &y, const nn::StepContext &context);

  static bool givesWeightGradient(const ConvGeometry &g, const IntTensor &x,
                                  const IntTensor &dy);
  Status weightGradient(const ConvGeometry &g, const IntTensor &x,
                        const IntTensor &dy, nn::FloatTensor &dw,
                        const nn::StepContext &context);

  /// Of the kernel of the last call.
  const std::string &symbol() const { return kernelSymbol; }

private:
  /// What one worker needs; packed and sums keep their memory.
  struct Worker {
    std::unique_ptr<KernelRunner> runner;
    std::vector<int8_t> columns;
    std::vector<int8_t> x;     ///< Images innermost.
    std::vector<int8_t> dy;    ///< Images innermost.
    AlignedBytes packed;       ///< dy.
    std::vector<int32_t> y;    ///< Of one block.
    std::vector<int64_t> sums; ///< Of all blocks of a call.
  };
  Status prepare(const ConvSpec &wanted, bool isForward,
                 const nn::StepContext &context);
  Status addBlock(const ConvGeometry &g, const IntTensor &x,
                  const IntTensor &dy, ImageRange images, Worker &worker);

  KernelProvider *kernels;
  ConvSpec spec;
  std::string kernelSymbol;
  std::vector<Worker> workers;
  AlignedBytes weights; ///< Packed.
};

} // namespace lpgen::quant

#endif // LPGEN_TRAINING_CONTRACTIONS_DIRECTCONV_H
