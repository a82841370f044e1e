// Batch norm with the relu and the 2x2 max pooling behind it, as one layer.
//
// Alone each of them would read and write the largest tensors of a network; a
// training step would mostly move memory. Here forward reads x twice (its
// statistics come first) and backward once, and nothing in between is stored
// but one number for each window of the pool.
#ifndef LPGEN_TRAINING_LAYERS_FUSEDNORMACTPOOL_H
#define LPGEN_TRAINING_LAYERS_FUSEDNORMACTPOOL_H

#include "training/layers/BatchNorm.h"
#include "training/layers/SimpleLayers.h"

namespace lpgen::nn {

/// Computes what the layers would one after the other; parameters and state
/// stay theirs. A Sequential makes one where it can.
class FusedNormActPool : public Layer {
public:
  /// Batch norm and relu.
  explicit FusedNormActPool(BatchNorm &norm)
      : Layer(norm.name()), norm(&norm) {}

  /// Takes the pool that follows if it is one of disjoint 2x2 windows and the
  /// first; returns whether it did.
  bool takePool(const Pool &pool);

  Status forward(const FloatTensor &x, FloatTensor &y,
                 const StepContext &context) override;
  Status backward(const FloatTensor &dy, FloatTensor &dx,
                  const StepContext &context) override;

private:
  void forwardPooled(const FloatTensor &x, FloatTensor &y,
                     const StepContext &context);
  void backwardPooled(const FloatTensor &dy, const GradientFactors &factors,
                      FloatTensor &dx, const StepContext &context);

  BatchNorm *norm;
  bool isPooled = false;
  Normalization normalization = {};
  const FloatTensor *input = nullptr;
  FloatTensor winners; ///< The x of each pooled pixel.
};

} // namespace lpgen::nn

#endif // LPGEN_TRAINING_LAYERS_FUSEDNORMACTPOOL_H
