// Batch normalization over all dimensions but the last (Ioffe and Szegedy,
// 2015), float32 whatever the policy.
#ifndef LPGEN_TRAINING_LAYERS_BATCHNORM_H
#define LPGEN_TRAINING_LAYERS_BATCHNORM_H

#include "training/layers/BatchStatistics.h"
#include "training/layers/Layer.h"

namespace lpgen::nn {

///   train:    y = gamma (x - mean) / sqrt(variance + epsilon) + beta
///   evaluate: the same with the running mean and variance, which move by
///             momentum 0.1 towards those of each batch (unbiased variance).
class BatchNorm : public Layer {
public:
  BatchNorm(std::string name, int64_t channels);

  Status forward(const FloatTensor &x, FloatTensor &y,
                 const StepContext &context) override;
  Status backward(const FloatTensor &dy, FloatTensor &dx,
                  const StepContext &context) override;
  void visitParameters(const std::function<void(Parameter &)> &visit) override;
  void visitState(StateVisitor &visitor) override;
  Status describe(networks::NetworkSink &network) const override;

  // The steps of forward and backward, for what does more in the same pass over
  // memory (FusedNormActPool).

  /// Forward before any element: in training takes the statistics of x. The
  /// result points into this layer and holds until the next call.
  Normalization normalizationOf(const FloatTensor &x, Following following,
                                const StepContext &context);
  /// Backward before any element, from the sums of addGradients over all `rows`
  /// rows of x: writes the gradients of the parameters, without the scale.
  GradientFactors takeGradients(const std::vector<double> &sums, int64_t rows,
                                int scaleExponent);
  int64_t numChannels() const { return channels; }

  /// Makes evaluation y = x + beta. What was y = gain x + beta before is so
  /// again where each channel of x is multiplied by the gain that is returned.
  std::vector<float> takeGains();

private:
  Affine affine(bool isTraining) const;
  void updateStatistics(const FloatTensor &x, const StepContext &context);

  int64_t channels;
  Parameter gamma;
  Parameter beta;
  FloatTensor runningMean;
  FloatTensor runningVariance;
  std::vector<float> mean;    ///< Of the batch.
  std::vector<float> inverse; ///< 1 / sqrt(variance + epsilon) of the batch.
  Affine current;             ///< Of the last forward call.
  Normalization last = {};    ///< The same with the statistics.
  const FloatTensor *input = nullptr;
};

} // namespace lpgen::nn

#endif // LPGEN_TRAINING_LAYERS_BATCHNORM_H
