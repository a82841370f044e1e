// Rounding float tensors to integers, and the sums that tell how much was lost.
//
// All sums are taken in an order that does not depend on the number of threads.
#ifndef LPGEN_TRAINING_QUANTIZERS_QUANTIZE_H
#define LPGEN_TRAINING_QUANTIZERS_QUANTIZE_H

#include "training/core/IntTensor.h"
#include "training/core/StepContext.h"
#include <optional>
#include <span>

namespace lpgen::quant {

/// Of the float elements.
struct Magnitudes {
  double sum = 0; ///< Of |x|; no number if an element is none.
  float max = 0;  ///< Greatest |x|.
  bool hasNegative = false;
};
Magnitudes measureMagnitudes(std::span<const float> x,
                             const nn::StepContext &context);

enum class Rounding {
  Nearest,   ///< Ties to even.
  Stochastic ///< floor(v) + (u < v - floor(v)), v = x / scale, u in [0, 1).
};

/// Of the integers.
struct QuantizeCounts {
  int64_t sum = 0;        ///< Of |q|.
  int64_t saturated = 0;  ///< x / scale beyond the range by 1/2.
  int64_t underflown = 0; ///< x not 0, q 0.
  bool hasNegative = false;
  bool hasInvalid = false; ///< An element is NaN.
};

/// The scale of codes whose end stands for `limit`. Nothing for 0 and for what
/// is too small to divide by: such a tensor becomes zero, at scale 1 and
/// rounded to nearest.
std::optional<float> scaleOf(float limit, CodeRange codes);

/// q = clamp(round(x / scale), lowest, highest). `random` is read for
/// stochastic rounding only, at the position of the element. scale is a
/// positive normal number; 1 / scale is used, so a power of two is exact.
QuantizeCounts quantize(std::span<const float> x, CodeRange codes, float scale,
                        Rounding rounding, const nn::RandomKey &random,
                        const nn::StepContext &context, IntTensor &q);

} // namespace lpgen::quant

#endif // LPGEN_TRAINING_QUANTIZERS_QUANTIZE_H
