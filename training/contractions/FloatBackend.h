// The products in float32, by im2col and OpenBLAS: the baseline that integer
// training is compared with.
#ifndef LPGEN_TRAINING_CONTRACTIONS_FLOATBACKEND_H
#define LPGEN_TRAINING_CONTRACTIONS_FLOATBACKEND_H

#include "training/contractions/ContractionBackend.h"
#include <optional>

namespace lpgen::nn {

class FloatBackend : public ContractionBackend {
public:
  explicit FloatBackend(const ConvGeometry &geometry);

  Status forward(const FloatTensor &x, const FloatTensor &weight,
                 FloatTensor &y, const StepContext &context) override;
  Status backward(const FloatTensor &x, const FloatTensor &weight,
                  const FloatTensor &dy, FloatTensor *dWeight, FloatTensor *dx,
                  const StepContext &context) override;
  BackendReport report() const override;
  const LayerTimes &times() const { return seconds; }
  Status useAccumulators(const AccumulatorRules &rules) override {
    accumulators = rules.floats;
    return Status::success();
  }

protected:
  bool emulatesAccumulators() const { return accumulators.has_value(); }

private:
  /// The accumulator of a product, null if it is OpenBLAS's own.
  const FloatAccumulator *accumulatorOf(Product product) const {
    return accumulators ? &(*accumulators)[size_t(product)] : nullptr;
  }
  void inputGradient(const FloatTensor &weight, const FloatTensor &dy,
                     FloatTensor &dx, const StepContext &context);
  void weightGradient(const FloatTensor &x, const FloatTensor &dy,
                      FloatTensor &dWeight, const StepContext &context);

  ConvGeometry geometry;
  std::optional<std::array<FloatAccumulator, 3>> accumulators;
  FloatTensor partials; ///< Weight gradients of the parts of a batch.
};

} // namespace lpgen::nn

#endif // LPGEN_TRAINING_CONTRACTIONS_FLOATBACKEND_H
