// The distance of neighbours is a power of two: values are divided by it,
// rounded to an integer, and multiplied again, both exactly.
#include "runtime/quant/FloatFormat.h"
#include <algorithm>
#include <limits>

namespace lpgen::quant {

float roundToFormat(const FloatFormat &format, float value, Rounding rounding,
                    float noise, Overflow overflow) {
  if (value == 0 || !std::isfinite(value)) {
    return value;
  }
  const int exponent = std::max(std::ilogb(value), FloatFormat::minExponent);
  const int step = exponent - format.mantissaBits;
  const float scaled = std::ldexp(value, -step);
  const float down = std::floor(scaled);
  const float rounded = rounding == Rounding::Nearest
                            ? std::nearbyint(scaled)
                            : down + (noise < scaled - down ? 1.0F : 0.0F);
  const float result = std::ldexp(rounded, step);
  if (std::fabs(result) > format.max()) {
    return std::copysign(overflow == Overflow::Saturate
                             ? format.max()
                             : std::numeric_limits<float>::infinity(),
                         result);
  }
  return result;
}

void roundToFormat(const FloatFormat &format, std::span<float> values,
                   Rounding rounding, const nn::RandomKey &random,
                   Overflow overflow, const nn::Pass &pass) {
  nn::forEachPart(pass, int64_t(values.size()), [&](int, TaskRange range) {
    for (int64_t i = range.begin; i < range.end; ++i) {
      const float noise = rounding == Rounding::Stochastic
                              ? random.uniform(uint64_t(i))
                              : 0.0F;
      values[size_t(i)] =
          roundToFormat(format, values[size_t(i)], rounding, noise, overflow);
    }
  });
}

} // namespace lpgen::quant
