// The distance of neighbours is a power of two: values are divided by it,
// rounded to an integer, and multiplied again, both exactly.
#include "training/quantizers/FloatFormat.h"
#include <algorithm>
#include <bit>
#include <limits>

namespace lpgen::quant {

static constexpr uint32_t exponentMask = 0x7f800000;

/// `unit` is 2^-mantissaBits, `max` the format's. No calls, so that loops over
/// it can become vectors.
static float roundOne(float unit, float max, float value, Rounding rounding,
                      float noise, Overflow overflow) {
  const uint32_t exponent = std::bit_cast<uint32_t>(value) & exponentMask;
  if (exponent == exponentMask) {
    return value; // Infinite, or no number.
  }
  // 2^e of 2^e <= |value| < 2^(e+1); that of the least normal for subnormals.
  const uint32_t least = std::bit_cast<uint32_t>(0x1p-14F);
  const float step = std::bit_cast<float>(std::max(exponent, least)) * unit;
  const float scaled = value / step;   // Below 2^11, exact.
  constexpr float magic = 12582912.0F; // 1.5 * 2^23: adding it rounds.
  const float nearest = (scaled + magic) - magic;
  const float down = nearest > scaled ? nearest - 1 : nearest;
  const float rounded = rounding == Rounding::Nearest
                            ? nearest
                            : down + (noise < scaled - down ? 1.0F : 0.0F);
  const float result = rounded * step;
  const float beyond = overflow == Overflow::Saturate
                           ? max
                           : std::numeric_limits<float>::infinity();
  return result > max ? beyond : result < -max ? -beyond : result;
}

static float unitOf(const FloatFormat &format) {
  return std::ldexp(1.0F, -format.mantissaBits);
}

float roundToFormat(const FloatFormat &format, float value, Rounding rounding,
                    float noise, Overflow overflow) {
  return roundOne(unitOf(format), format.max(), value, rounding, noise,
                  overflow);
}

void roundToFormat(const FloatFormat &format, std::span<float> values,
                   Rounding rounding, const nn::RandomKey &random,
                   Overflow overflow, const nn::StepContext &context) {
  const float unit = unitOf(format);
  const float max = format.max();
  nn::forEachPart(context, int64_t(values.size()), [&](int, TaskRange range) {
    for (int64_t i = range.begin; i < range.end; ++i) {
      const float noise =
          rounding == Rounding::Stochastic ? random.uniform(uint64_t(i)) : 0.0F;
      values[size_t(i)] =
          roundOne(unit, max, values[size_t(i)], rounding, noise, overflow);
    }
  });
}

} // namespace lpgen::quant
