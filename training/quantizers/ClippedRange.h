// Where to clip a tensor before it is rounded to few bits: a smaller range has
// smaller steps, and few elements lie far out.
#ifndef LPGEN_TRAINING_QUANTIZERS_CLIPPEDRANGE_H
#define LPGEN_TRAINING_QUANTIZERS_CLIPPEDRANGE_H

#include "training/quantizers/Quantize.h"

namespace lpgen::quant {

/// Magnitudes of the elements of a tensor that are not 0, counted in bins of
/// equal width from 0 to the greatest.
class MagnitudeHistogram {
public:
  /// max is the greatest magnitude in x.
  MagnitudeHistogram(std::span<const float> x, float max,
                     const nn::StepContext &context);

  struct Clip {
    float limit = 0;  ///< Greatest magnitude that is left as it is.
    double noise = 0; ///< Sum of the squares of what rounding changes.
  };
  /// The limit of least noise, if the codes 0 .. highest and their negatives
  /// stand for steps of limit / highest. What stochastic rounding changes is 0
  /// in the mean over steps, what clipping changes is not: there, the squares
  /// of the latter count 16 times.
  Clip leastNoise(int32_t highest, Rounding rounding) const;

private:
  double noiseOf(float limit, int32_t highest, Rounding rounding) const;

  static constexpr int numBins = 1024;
  float max; ///< 0 if nothing was counted.
  std::array<int64_t, numBins> counts = {};
};

} // namespace lpgen::quant

#endif // LPGEN_TRAINING_QUANTIZERS_CLIPPEDRANGE_H
