// How wide the sums of products are: floating point with few mantissa bits, or
// integers of few bits. Emulated, to study what training needs; no speed.
#ifndef LPGEN_TRAINING_CORE_ACCUMULATORS_H
#define LPGEN_TRAINING_CORE_ACCUMULATORS_H

#include "base/system/VectorClones.h"
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>

namespace lpgen::nn {

/// Sums of float products.
struct FloatAccumulator {
  enum class Adder {
    Nearest,   ///< The exact sum, rounded to nearest.
    Truncating ///< What the alignment shifts out is lost; see addTruncating.
  };
  Adder adder = Adder::Nearest;
  int mantissaBits = 23;        ///< Of the sum, 1 to 23.
  int productMantissaBits = 23; ///< Products are rounded to these first.
  int64_t chunk = 0; ///< Terms summed apart before they are added; 0: none.
};

/// Sums of integer products, two's complement of so many bits that wrap: the
/// sum is right if and only if the last one fits.
struct IntegerAccumulator {
  enum class Width {
    Exact,      ///< No sum of operands of these widths can wrap.
    Statistical ///< From the moments of the operands.
  };
  Width width = Width::Statistical;
  int extraBits = 0; ///< Added to that; negative for fewer.
  double sigmas = 6; ///< Statistical: deviations that must fit.
};

/// What each product of a layer uses, by Product; and integers if that is how
/// the layer multiplies.
struct AccumulatorRules {
  std::array<FloatAccumulator, 3> floats;
  IntegerAccumulator integers;
};

/// v with so many explicit mantissa bits, to nearest, ties to even.
LPGEN_INLINE float roundMantissa(float v, int bits) {
  const int cut = 23 - bits;
  if (cut <= 0) {
    return v;
  }
  const auto code = std::bit_cast<uint32_t>(v);
  const uint32_t half = (uint32_t{1} << (cut - 1)) - 1;
  const uint32_t rounded =
      (code + half + ((code >> cut) & 1)) & ~((uint32_t{1} << cut) - 1);
  // Infinities and NaNs stay what they are.
  return std::bit_cast<float>((code & 0x7f800000) == 0x7f800000 ? code
                                                                : rounded);
}

/// sum + term as an adder without guard bits does it: what of either lies below
/// the last of so many mantissa bits of the greater one is cut off, and the
/// result is rounded to nearest.
LPGEN_INLINE float addTruncating(float sum, float term, int bits) {
  // Float comparisons and no calls, so that loops over this become vectors.
  const float sumSize = std::fabs(sum);
  const float termSize = std::fabs(term);
  float greater = sumSize > termSize ? sumSize : termSize;
  greater = greater < 0x1p126F ? greater : 0x1p126F;
  const auto least = std::bit_cast<float>(uint32_t(bits + 1) << 23);
  greater = greater > least ? greater : least;
  // 2^(e - bits) of 2^e <= greater < 2^(e + 1), and its inverse; both normal.
  const uint32_t unitCode =
      (std::bit_cast<uint32_t>(greater) & 0x7f800000) - (uint32_t(bits) << 23);
  const auto unit = std::bit_cast<float>(unitCode);
  const auto inverse = std::bit_cast<float>((uint32_t{254} << 23) - unitCode);
  const auto cutOff = [&](float v) {
    const float scaled = v * inverse;
    // Always true for finite numbers; others must not be converted, and
    // stay no numbers by the last term.
    const bool fits = scaled < 0x1p25F && scaled > -0x1p25F;
    return float(int32_t(fits ? scaled : 0.0F)) + 0.0F * v;
  };
  return roundMantissa((cutOff(sum) + cutOff(term)) * unit, bits);
}

/// sum + term, by the accumulator's adder.
inline float addNarrow(float sum, float term,
                       const FloatAccumulator &accumulator) {
  const int bits = accumulator.mantissaBits;
  return accumulator.adder == FloatAccumulator::Adder::Truncating
             ? addTruncating(sum, term, bits)
             : roundMantissa(sum + term, bits);
}

/// The value of the low `bits` bits of a sum.
inline int64_t wrapTo(int64_t sum, int bits) {
  const int cut = std::clamp(64 - bits, 0, 63);
  return int64_t(uint64_t(sum) << cut) >> cut;
}

} // namespace lpgen::nn

#endif // LPGEN_TRAINING_CORE_ACCUMULATORS_H
