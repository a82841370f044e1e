// Batch normalization over all dimensions but the last (Ioffe and Szegedy,
// 2015), float32 whatever the policy.
#ifndef LPGEN_RUNTIME_NN_BATCHNORM_H
#define LPGEN_RUNTIME_NN_BATCHNORM_H

#include "runtime/nn/Layer.h"

namespace lpgen::nn {

///   train:    y = gamma (x - mean) / sqrt(variance + epsilon) + beta
///   evaluate: the same with the running mean and variance, which move by
///             momentum 0.1 towards those of each batch (unbiased variance).
class BatchNorm : public Layer {
public:
  BatchNorm(std::string name, int64_t channels);

  Status forward(const FloatTensor &x, FloatTensor &y,
                 const Pass &pass) override;
  Status backward(const FloatTensor &dy, FloatTensor &dx,
                  const Pass &pass) override;
  void visitParameters(const std::function<void(Parameter &)> &visit) override;
  void visitState(StateVisitor &visitor) override;

  /// Evaluation as y = scale x + offset, for each channel.
  struct Affine {
    std::vector<float> scale;
    std::vector<float> offset;
  };
  Affine evaluationAffine() const;

private:
  Affine affine(bool isTraining) const;
  void updateStatistics(const FloatTensor &x, const Pass &pass);

  int64_t channels;
  Parameter gamma;
  Parameter beta;
  FloatTensor runningMean;
  FloatTensor runningVariance;
  std::vector<float> mean;    ///< Of the batch.
  std::vector<float> inverse; ///< 1 / sqrt(variance + epsilon) of the batch.
  const FloatTensor *input = nullptr;
};

} // namespace lpgen::nn

#endif // LPGEN_RUNTIME_NN_BATCHNORM_H
