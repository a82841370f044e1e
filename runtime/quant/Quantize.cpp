// Loops written so that compilers make vectors of them: sums in lanes, rounding
// by adding 1.5 * 2^23, which leaves the integer in the low bits.
#include "runtime/quant/Quantize.h"
#include <algorithm>
#include <array>
#include <bit>

namespace lpgen::quant {

/// Elements between two additions of float or i32 lanes to wide sums.
static constexpr int64_t runLength = 1024;
static constexpr int lanes = 16;

/// One part of the elements: max and sum of |x|.
static Magnitudes measureRange(const float *x, int64_t count) {
  Magnitudes result;
  for (int64_t begin = 0; begin < count; begin += runLength) {
    const int64_t run = std::min(runLength, count - begin);
    const int64_t whole = run / lanes * lanes;
    std::array<float, lanes> sums = {};
    std::array<float, lanes> greatest = {};
    for (int64_t i = 0; i < whole; i += lanes) {
      for (int l = 0; l < lanes; ++l) {
        const float v = std::fabs(x[begin + i + l]);
        sums[size_t(l)] += v;
        greatest[size_t(l)] = v > greatest[size_t(l)] ? v : greatest[size_t(l)];
      }
    }
    for (int64_t i = whole; i < run; ++i) {
      const float v = std::fabs(x[begin + i]);
      sums[0] += v;
      greatest[0] = std::max(greatest[0], v);
    }
    for (int l = 0; l < lanes; ++l) {
      result.sum += double(sums[size_t(l)]);
      result.max = std::max(result.max, greatest[size_t(l)]);
    }
  }
  return result;
}

Magnitudes measureMagnitudes(std::span<const float> x, const nn::Pass &pass) {
  std::array<Magnitudes, nn::reductionParts> parts;
  nn::forEachPart(pass, int64_t(x.size()), [&](int part, TaskRange range) {
    parts[size_t(part)] =
        measureRange(x.data() + range.begin, range.end - range.begin);
  });
  Magnitudes total;
  for (const Magnitudes &part : parts) {
    total.sum += part.sum;
    total.max = std::max(total.max, part.max);
  }
  return total;
}

/// To nearest, ties to even, for |v| < 2^22; anything for NaN.
static int32_t roundSmall(float v) {
  constexpr float magic = 12582912.0F; // 1.5 * 2^23
  return int32_t(std::bit_cast<uint32_t>(v + magic) -
                 std::bit_cast<uint32_t>(magic));
}

/// floor(v) + (noise < v - floor(v)), for |v| < 2^22: never moves an integer,
/// as floor(v + noise) would where the sum is rounded.
static int32_t roundStochastic(float v, float noise) {
  const int32_t nearest = roundSmall(v);
  const int32_t down = float(nearest) > v ? nearest - 1 : nearest;
  return down + (noise < v - float(down) ? 1 : 0);
}

/// Elements [begin, end); T is the storage of q.
template <typename T>
static QuantizeCounts
quantizeRange(const float *x, TaskRange range, int32_t max, float inverse,
              Rounding rounding, const nn::RandomKey &random, T *q) {
  QuantizeCounts counts;
  const auto limit = float(max);
  for (int64_t begin = range.begin; begin < range.end; begin += runLength) {
    const int64_t end = std::min(begin + runLength, range.end);
    int32_t sum = 0;
    int32_t saturated = 0;
    int32_t underflown = 0;
    int32_t invalid = 0;
    const auto put = [&](int64_t i, float scaled, float clamped, int32_t code) {
      q[i] = T(code);
      sum += code < 0 ? -code : code;
      saturated += std::fabs(scaled) > limit + 0.5F ? 1 : 0;
      underflown += (code == 0 && x[i] != 0.0F) ? 1 : 0;
      invalid += clamped == clamped ? 0 : 1;
    };
    // Comparisons that leave a NaN as it is.
    const auto clamp = [&](float v) {
      v = v < -limit ? -limit : v;
      return v > limit ? limit : v;
    };
    if (rounding == Rounding::Nearest) {
      for (int64_t i = begin; i < end; ++i) {
        const float scaled = x[i] * inverse;
        const float clamped = clamp(scaled);
        put(i, scaled, clamped, roundSmall(clamped));
      }
    } else {
      for (int64_t i = begin; i < end; ++i) {
        const float scaled = x[i] * inverse;
        const float clamped = clamp(scaled);
        // The ends of the range are integers: nothing is rounded beyond them.
        put(i, scaled, clamped,
            roundStochastic(clamped, random.uniform(uint64_t(i))));
      }
    }
    counts.sum += sum;
    counts.saturated += saturated;
    counts.underflown += underflown;
    counts.hasInvalid |= invalid != 0;
  }
  return counts;
}

QuantizeCounts quantize(std::span<const float> x, int32_t max, float scale,
                        Rounding rounding, const nn::RandomKey &random,
                        const nn::Pass &pass, IntTensor &q) {
  assert(std::isnormal(scale) && scale > 0 && "no scale");
  q.reset(int64_t(x.size()), max, scale);
  std::array<QuantizeCounts, nn::reductionParts> parts;
  q.visit([&](auto *codes) {
    nn::forEachPart(pass, int64_t(x.size()), [&](int part, TaskRange range) {
      parts[size_t(part)] = quantizeRange(x.data(), range, max, 1.0F / scale,
                                          rounding, random, codes);
    });
  });
  QuantizeCounts total;
  for (const QuantizeCounts &part : parts) {
    total.sum += part.sum;
    total.saturated += part.saturated;
    total.underflown += part.underflown;
    total.hasInvalid |= part.hasInvalid;
  }
  return total;
}

} // namespace lpgen::quant
