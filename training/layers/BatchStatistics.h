// Mean and variance of the channels of a batch, and what follows from the sums
// of a backward pass: the numbers of batch normalization, without its layers.
#ifndef LPGEN_TRAINING_LAYERS_BATCHSTATISTICS_H
#define LPGEN_TRAINING_LAYERS_BATCHSTATISTICS_H

#include "training/core/FloatTensor.h"
#include "training/core/StepContext.h"
#include "training/layers/NormalizationLoops.h"
#include <span>
#include <vector>

namespace lpgen::nn {

/// Of each channel, over all rows of x; the variance is the biased one.
struct BatchMoments {
  std::vector<double> mean;
  std::vector<double> variance;
};
/// `shift` is near the mean and keeps the digits of the squares.
BatchMoments momentsOf(const FloatTensor &x, std::span<const float> shift,
                       const StepContext &context);

/// y = scale x + offset, for each channel.
struct Affine {
  std::vector<float> scale;
  std::vector<float> offset;
};
/// gamma (x - mean) inverse + beta
Affine affineOf(std::span<const float> gamma, std::span<const float> beta,
                std::span<const float> mean, std::span<const float> inverse);

/// a, b and constant of NormalizationGradient, for each channel.
struct GradientFactors {
  std::vector<float> a;
  std::vector<float> b;
  std::vector<float> constant;

  NormalizationGradient pointers() const {
    return {a.data(), b.data(), constant.data()};
  }
};
/// From the sums of addGradients over all `rows` rows of x. With xhat =
/// (x - mean) inverse and n rows:
///   dbeta = sum g,  dgamma = sum g xhat
///   dx = gamma inverse (g - dbeta / n - xhat dgamma / n)
GradientFactors gradientFactors(std::span<const double> sums, int64_t rows,
                                std::span<const float> gamma,
                                std::span<const float> mean,
                                std::span<const float> inverse);

} // namespace lpgen::nn

#endif // LPGEN_TRAINING_LAYERS_BATCHSTATISTICS_H
