// Products of operands stored in narrow float formats; sums are float32, as the
// hardware for such formats has it. A study of accuracy: it claims no speed.
#ifndef LPGEN_TRAINING_CONTRACTIONS_EMULATEDBACKEND_H
#define LPGEN_TRAINING_CONTRACTIONS_EMULATEDBACKEND_H

#include "training/contractions/FloatBackend.h"
#include "training/quantizers/FloatFormat.h"

namespace lpgen::quant {

/// How one kind of tensor is stored.
struct StorageFormat {
  FloatFormat format;
  Rounding rounding = Rounding::Nearest;
  Overflow overflow = Overflow::Infinity;
};

/// Formats of the tensors of a layer.
struct LayerFormats {
  StorageFormat operands;  ///< Input and weights, and the output.
  StorageFormat gradients; ///< dy, dx and dW.
};

class EmulatedBackend : public nn::ContractionBackend {
public:
  EmulatedBackend(const nn::LayerSpec &layer, const LayerFormats &formats);

  Status forward(const nn::FloatTensor &x, const nn::FloatTensor &weight,
                 nn::FloatTensor &y, const nn::StepContext &context) override;
  Status backward(const nn::FloatTensor &x, const nn::FloatTensor &weight,
                  const nn::FloatTensor &dy, nn::FloatTensor *dWeight,
                  nn::FloatTensor *dx, const nn::StepContext &context) override;
  void visitState(nn::StateVisitor &visitor) override;
  /// Tensors are the gradients; what became infinite counts as saturated.
  nn::BackendReport report() const override;
  Status useAccumulators(const nn::AccumulatorRules &rules) override {
    return backend.useAccumulators(rules);
  }

private:
  enum Gradient { OfOutput, OfWeight, OfInput };
  static constexpr std::array<const char *, 3> gradientNames = {
      ".gradient", ".weightGradient", ".inputGradient"};
  void roundGradient(Gradient gradient, nn::FloatTensor &tensor,
                     const nn::StepContext &context);
  void round(const StorageFormat &storage, nn::FloatTensor &tensor,
             const char *what, const nn::StepContext &context);

  std::string name;
  LayerFormats formats;
  nn::FloatBackend backend;
  std::array<nn::TensorReport, 3> counts; ///< By Gradient.
  nn::FloatTensor input;
  nn::FloatTensor weights;
  nn::FloatTensor gradient;
};

} // namespace lpgen::quant

#endif // LPGEN_TRAINING_CONTRACTIONS_EMULATEDBACKEND_H
