// Float32 products whose sums, when a network is evaluated, are added in the
// order of the weights: what any other program can compute bit for bit.
#ifndef LPGEN_TRAINING_CONTRACTIONS_ORDEREDBACKEND_H
#define LPGEN_TRAINING_CONTRACTIONS_ORDEREDBACKEND_H

#include "training/contractions/FloatBackend.h"

namespace lpgen::nn {

/// For float layers of networks that are exported. In training, and where
/// accumulators are emulated, they are those of FloatBackend; in evaluation y =
/// fma(x1, w1, fma(x0, w0, 0)) ..., the terms in the order of a row of weights.
/// The layer has one group.
class OrderedBackend : public FloatBackend {
public:
  explicit OrderedBackend(const ConvGeometry &geometry)
      : FloatBackend(geometry), geometry(geometry) {
    assert(geometry.groups == 1 && "rows of weights are whole");
  }
  Status forward(const FloatTensor &x, const FloatTensor &weight,
                 FloatTensor &y, const StepContext &context) override;
  Result<networks::ForwardOperands> forwardOperands() const override {
    if (emulatesAccumulators()) {
      return Status::error("its sums wrap as 'accumulators' says");
    }
    if (evaluated.empty()) {
      return Status::error("it has not been evaluated");
    }
    networks::ForwardOperands operands;
    operands.floatWeights = evaluated;
    return operands;
  }

private:
  ConvGeometry geometry;
  std::vector<float> evaluated; ///< Weights of the last call that did.
};

} // namespace lpgen::nn

#endif // LPGEN_TRAINING_CONTRACTIONS_ORDEREDBACKEND_H
