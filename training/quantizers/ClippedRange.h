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
  /// The limit below which this part of the counted elements lies, in (0, 1].
  float percentile(double part) const;
  /// The limit whose codes lose the least information: of the distribution of
  /// what is clipped there, against the same in the steps of the codes
  /// (Kullback and Leibler's divergence, as TensorRT calibrates).
  float leastDivergence(int32_t highest) const;

private:
  double noiseOf(float limit, int32_t highest, Rounding rounding) const;
  double divergenceOf(int bins, int32_t highest) const;

  static constexpr int numBins = 1024;
  float max; ///< 0 if nothing was counted.
  std::array<int64_t, numBins> counts = {};
};

} // namespace lpgen::quant

#endif // LPGEN_TRAINING_QUANTIZERS_CLIPPEDRANGE_H
