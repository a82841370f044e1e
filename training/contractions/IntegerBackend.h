// Products whose operands a policy's quantizers round to integers: all three by
// generated kernels.
#ifndef LPGEN_TRAINING_CONTRACTIONS_INTEGERBACKEND_H
#define LPGEN_TRAINING_CONTRACTIONS_INTEGERBACKEND_H

#include "training/contractions/IntegerConv.h"
#include "training/quantizers/Quantizer.h"
#include <optional>

namespace lpgen::quant {

/// Quantizers of one layer.
struct LayerQuantizers {
  std::unique_ptr<Quantizer> input;
  std::unique_ptr<Quantizer> weight;
  std::unique_ptr<Quantizer> gradient; ///< Of dL/dy.
};

/// Gradients pass through the rounding unchanged (straight through): dx and dW
/// are the products of the rounded operands.
class IntegerBackend : public nn::ContractionBackend {
public:
  IntegerBackend(const ConvGeometry &geometry, LayerQuantizers quantizers,
                 KernelProvider &kernels)
      : geometry(geometry), conv(geometry, kernels),
        quantizers(std::move(quantizers)) {}

  Status forward(const nn::FloatTensor &x, const nn::FloatTensor &weight,
                 nn::FloatTensor &y, const nn::StepContext &context) override;
  Status backward(const nn::FloatTensor &x, const nn::FloatTensor &weight,
                  const nn::FloatTensor &dy, nn::FloatTensor *dWeight,
                  nn::FloatTensor *dx, const nn::StepContext &context) override;
  void visitState(nn::StateVisitor &visitor) override;
  std::vector<nn::TensorReport> reportTensors() const override;
  Result<networks::ForwardOperands> forwardOperands() const override;
  std::string implementation(nn::Product product) const override {
    return conv.kernelOf(product);
  }

  Status useAccumulators(const nn::AccumulatorRules &rules) override {
    accumulator = rules.integers;
    return Status::success();
  }
  std::vector<nn::AccumulatorReport> reportAccumulators() const override;

private:
  /// Chooses the width of the sums of a product from its operands.
  void narrow(nn::Product product, const IntTensor &a, const IntTensor &b,
              int64_t images);
  Status quantize(Quantizer &quantizer, const nn::FloatTensor &x,
                  const nn::StepContext &context, IntTensor &q);

  /// Counts a product of `images` images.
  void count(int64_t images, const Quantizer &a, const Quantizer &b) {
    done.add(double(images) * double(geometry.macs()), a.report().bits,
             b.report().bits);
  }

  ConvGeometry geometry;
  std::optional<nn::IntegerAccumulator> accumulator;
  std::array<nn::AccumulatorReport, 3> sums;
  IntegerConv conv;
  LayerQuantizers quantizers;
  IntTensor input;
  IntTensor weights;
  IntTensor gradient;
};

} // namespace lpgen::quant

#endif // LPGEN_TRAINING_CONTRACTIONS_INTEGERBACKEND_H
