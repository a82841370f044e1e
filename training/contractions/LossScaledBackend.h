// Adaptive loss scaling (Zhao et al. 2019, arXiv 1910.12385): each layer scales
// the gradient that it hands on so that few of its elements underflow, and none
// overflows, in the format that gradients are stored in.
//
// The scale travels with the tensor as its exponent; the layers that have
// parameters take it out of their gradients.
#ifndef LPGEN_TRAINING_CONTRACTIONS_LOSSSCALEDBACKEND_H
#define LPGEN_TRAINING_CONTRACTIONS_LOSSSCALEDBACKEND_H

#include "training/contractions/ContractionBackend.h"

namespace lpgen::quant {

/// Magnitudes that a stored gradient can have.
struct GradientRange {
  float least = 0; ///< What is smaller becomes 0.
  float most = 0;
};

/// What the scale of a layer is chosen from.
struct LossScaleStatistics {
  double gradientSquare = 0; ///< Mean square of dy.
  double weightSquare = 0;
  double gradientMax = 0; ///< Greatest magnitude of dy.
  double weightMax = 0;
  double reduction = 1; ///< Terms of one element of dx.
};

struct LossScaleOptions {
  double underflow = 1e-3; ///< Share of elements that may underflow.
  int upperExponent = 4;   ///< One layer scales by 2^4 at most,
  int totalExponent = 10;  ///< all so far by 2^10.
  int64_t period = 1;      ///< Steps between two choices.
};

/// x with erf(x) = y, 0 < y < 1, to 1e-12 of x.
double inverseErf(double y);

/// The exponent of the greatest power of two that is at most
///   c = max(1, least / (sqrt(2) inverseErf(underflow) sigma))
/// with sigma^2 = E[dy^2] E[w^2] reduction / 2 (half of the terms are behind a
/// relu), most / (reduction max|dy| max|w|), 2^upperExponent and
/// 2^(totalExponent - incoming). 0 if sigma is 0.
int lossScaleExponent(const LossScaleOptions &options,
                      const GradientRange &range,
                      const LossScaleStatistics &statistics, int incoming);

/// Other products, with the gradient scaled before they make dx of it.
class LossScaledBackend : public nn::ContractionBackend {
public:
  LossScaledBackend(const nn::LayerSpec &layer,
                    std::unique_ptr<nn::ContractionBackend> inner,
                    const GradientRange &range,
                    const LossScaleOptions &options);

  Status forward(const nn::FloatTensor &x, const nn::FloatTensor &weight,
                 nn::FloatTensor &y, const nn::StepContext &context) override;
  Status backward(const nn::FloatTensor &x, const nn::FloatTensor &weight,
                  const nn::FloatTensor &dy, nn::FloatTensor *dWeight,
                  nn::FloatTensor *dx, const nn::StepContext &context) override;
  void
  visitParameters(const std::function<void(nn::Parameter &)> &visit) override {
    inner->visitParameters(visit);
  }
  void visitState(nn::StateVisitor &visitor) override;
  Status useAccumulators(const nn::AccumulatorRules &rules) override {
    return inner->useAccumulators(rules);
  }
  nn::BackendReport report() const override;
  Result<networks::ForwardOperands> forwardOperands() const override {
    return inner->forwardOperands();
  }

private:
  /// Exponent of the present gradient's greatest magnitude above what fits.
  int excess(const nn::FloatTensor &dy, const nn::StepContext &context);
  void choose(const nn::FloatTensor &weight, const nn::FloatTensor &dy,
              int incoming, const nn::StepContext &context);

  std::string name;
  int64_t reduction; ///< Terms of one element of dx.
  std::unique_ptr<nn::ContractionBackend> inner;
  GradientRange range;
  LossScaleOptions options;
  int exponent = 0; ///< Of this layer.
  int total = 0;
  nn::FloatTensor scaled;
};

} // namespace lpgen::quant

#endif // LPGEN_TRAINING_CONTRACTIONS_LOSSSCALEDBACKEND_H
