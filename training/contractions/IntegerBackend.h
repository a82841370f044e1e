// Contractions of operands that quantizers round to integers, by generated
// kernels: the forward product, and both gradients where dL/dy is rounded, too.
#ifndef LPGEN_TRAINING_CONTRACTIONS_INTEGERBACKEND_H
#define LPGEN_TRAINING_CONTRACTIONS_INTEGERBACKEND_H

#include "training/contractions/FloatBackend.h"
#include "training/contractions/IntegerConv.h"
#include "training/quantizers/Quantizer.h"
#include <optional>

namespace lpgen::quant {

/// Quantizers of one layer.
struct LayerQuantizers {
  std::unique_ptr<Quantizer> input;
  std::unique_ptr<Quantizer> weight;
  /// Of dL/dy. Without it both gradients are float32 products of dL/dy and of
  /// what the integers stand for.
  std::unique_ptr<Quantizer> gradient;
};

/// dx and dW are the products of the rounded operands, taken through the
/// backward call of the quantizers of x and w.
class IntegerBackend : public nn::ContractionBackend {
public:
  IntegerBackend(const ConvGeometry &geometry, LayerQuantizers quantizers,
                 KernelProvider &kernels)
      : geometry(geometry), conv(geometry, kernels), floats(geometry),
        quantizers(std::move(quantizers)) {}

  Status forward(const nn::FloatTensor &x, const nn::FloatTensor &weight,
                 nn::FloatTensor &y, const nn::StepContext &context) override;
  Status backward(const nn::FloatTensor &x, const nn::FloatTensor &weight,
                  const nn::FloatTensor &dy, nn::FloatTensor *dWeight,
                  nn::FloatTensor *dx, const nn::StepContext &context) override;
  void
  visitParameters(const std::function<void(nn::Parameter &)> &visit) override;
  void visitState(nn::StateVisitor &visitor) override;
  nn::BackendReport report() const override;
  Result<networks::ForwardOperands> forwardOperands() const override;

  /// An error where the gradients are float32.
  Status useAccumulators(const nn::AccumulatorRules &rules) override;

protected:
  /// What takes the place of the input in the gradient of the weights, where
  /// that is float32; called once in backward with what the integers stand for.
  virtual const nn::FloatTensor *
  inputOfGradient(const nn::FloatTensor *values,
                  const nn::StepContext &context) {
    return values;
  }

private:
  /// Chooses the width of the sums of a product from its operands.
  void narrow(nn::Product product, const IntTensor &a, const IntTensor &b,
              int64_t images);
  /// Counts an integer product of `images` images in training.
  void count(int64_t images, const Quantizer &a, const Quantizer &b);
  Status integerGradients(const nn::FloatTensor &dy, int64_t images,
                          nn::FloatTensor *dWeight, nn::FloatTensor *dx,
                          const nn::StepContext &context);
  Status floatGradients(const nn::FloatTensor &x, const nn::FloatTensor &weight,
                        const nn::FloatTensor &dy, nn::FloatTensor &dWeight,
                        nn::FloatTensor &dx, const nn::StepContext &context);

  ConvGeometry geometry;
  std::optional<nn::IntegerAccumulator> accumulator;
  std::array<nn::AccumulatorReport, 3> sums;
  IntegerConv conv;
  nn::FloatBackend floats; ///< Gradients without a quantizer.
  LayerQuantizers quantizers;
  IntTensor input;
  IntTensor weights;
  IntTensor gradient;
  nn::FloatTensor inputValues; ///< What the integers stand for.
  nn::FloatTensor weightValues;
  nn::FloatTensor unwantedGradient; ///< dx where nobody takes it.
  nn::FloatTensor unwantedWeightGradient;
};

} // namespace lpgen::quant

#endif // LPGEN_TRAINING_CONTRACTIONS_INTEGERBACKEND_H
