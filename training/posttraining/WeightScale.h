// The step of the integer weights of one filter.
#ifndef LPGEN_TRAINING_POSTTRAINING_WEIGHTSCALE_H
#define LPGEN_TRAINING_POSTTRAINING_WEIGHTSCALE_H

#include "base/types/QuantParams.h"
#include <cstdint>
#include <span>
#include <vector>

namespace lpgen::posttraining {

/// The codes of weights of 1 to 8 bits, scale 1: -1 and 1 of one bit,
/// -127 .. 127 of eight, else -2^(bits-1) .. 2^(bits-1) - 1.
QuantParams weightGrid(int bits);

/// Ties to even.
int32_t nearestCode(float w, const QuantParams &grid, float scale);

/// Codes of the step nearest to the weights; ties to even.
void roundToNearest(std::span<const float> weights, const QuantParams &grid,
                    float scale, std::span<int32_t> codes);

/// Sum of (w - scale q)^2 with these codes.
double squaredError(std::span<const float> weights, const QuantParams &grid,
                    float scale);

enum class WeightRange {
  Max,         ///< The greatest magnitude is a code.
  Mse,         ///< The step of the least squared error.
  Distribution ///< The step that is best for a normal distribution of the
               ///< filter's deviation.
};

/// A positive step, whatever the weights.
float weightScale(std::span<const float> weights, const QuantParams &grid,
                  WeightRange range);

/// The step of least squared error for normal numbers of deviation 1: the idea
/// of DAQ (Hong et al. 2020, arXiv 2012.11230), that each channel is
/// normalized by its own deviation and all share one grid.
float normalScale(const QuantParams &grid);

} // namespace lpgen::posttraining

#endif // LPGEN_TRAINING_POSTTRAINING_WEIGHTSCALE_H
