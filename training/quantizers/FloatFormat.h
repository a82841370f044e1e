// Narrow float formats, emulated in float32: every value is rounded to the
// nearest ones that the format has.
#ifndef LPGEN_TRAINING_QUANTIZERS_FLOATFORMAT_H
#define LPGEN_TRAINING_QUANTIZERS_FLOATFORMAT_H

#include "training/quantizers/Quantize.h"

namespace lpgen::quant {

/// 1 sign bit, 5 exponent bits with bias 15 (normal from 2^-14), subnormals,
/// infinities, NaN.
struct FloatFormat {
  int mantissaBits = 10; ///< Explicit ones.

  int bits() const { return 1 + 5 + mantissaBits; }
  /// The least magnitude that is not 0: 2^-24 for fp16, 2^-16 for E5M2.
  float least() const { return std::ldexp(1.0F, -14 - mantissaBits); }
  /// The greatest finite value: 65504 for fp16, 57344 for E5M2.
  float max() const {
    return std::ldexp(2.0F - std::ldexp(1.0F, -mantissaBits), 15);
  }
};
constexpr FloatFormat fp16 = {10};
constexpr FloatFormat e5m2 = {2};

enum class Overflow {
  Infinity, ///< As IEEE: what rounds beyond max becomes infinite.
  Saturate  ///< Becomes max.
};

/// `value` in the format. `noise` in [0, 1) decides stochastic rounding.
float roundToFormat(const FloatFormat &format, float value, Rounding rounding,
                    float noise, Overflow overflow);

/// All elements in place; stochastic rounding takes its noise at the position
/// of the element.
void roundToFormat(const FloatFormat &format, std::span<float> values,
                   Rounding rounding, const nn::RandomKey &random,
                   Overflow overflow, const nn::StepContext &context);

} // namespace lpgen::quant

#endif // LPGEN_TRAINING_QUANTIZERS_FLOATFORMAT_H
