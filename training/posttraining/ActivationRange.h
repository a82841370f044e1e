// The integers that the inputs of a layer become: where they are clipped.
#ifndef LPGEN_TRAINING_POSTTRAINING_ACTIVATIONRANGE_H
#define LPGEN_TRAINING_POSTTRAINING_ACTIVATIONRANGE_H

#include "base/types/QuantParams.h"
#include "training/quantizers/ClippedRange.h"

namespace lpgen::posttraining {

enum class ActivationRange {
  Max,        ///< Nothing is clipped.
  Percentile, ///< 99.9 % of the elements that are not 0 are not clipped.
  Mse,        ///< The least squared error.
  Divergence  ///< The least information lost.
};

/// Magnitudes of a tensor.
struct ActivationStatistics {
  float max = 0;
  bool hasNegative = false;
  quant::MagnitudeHistogram histogram;

  ActivationStatistics(std::span<const float> x,
                       const nn::StepContext &context);
};

/// Codes 0 .. 2^bits - 1 of a tensor without
/// negative elements, else
/// -(2^(bits-1) - 1) .. 2^(bits-1) - 1, and -1, 0, 1 of one bit.
QuantParams activationGrid(const ActivationStatistics &statistics, int bits,
                           ActivationRange range);

} // namespace lpgen::posttraining

#endif // LPGEN_TRAINING_POSTTRAINING_ACTIVATIONRANGE_H
