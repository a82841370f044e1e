// Loops written so that compilers make vectors of them: sums in lanes, rounding
// by adding 1.5 * 2^23, which leaves the integer in the low bits.
#include "training/quantizers/Quantize.h"
#include "base/system/VectorClones.h"
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

namespace lpgen::quant {

/// Elements between two additions of float or i32 lanes to wide sums.
static constexpr int64_t runLength = 1024;
static constexpr int lanes = 16;

/// One part of the elements: max and sum of |x|.
LPGEN_VECTOR_CLONES
static void measureRange(const float *x, int64_t count, Magnitudes &result) {
  for (int64_t begin = 0; begin < count; begin += runLength) {
    const int64_t run = std::min(runLength, count - begin);
    const int64_t whole = run / lanes * lanes;
    std::array<float, lanes> sums = {};
    std::array<float, lanes> greatest = {};
    std::array<float, lanes> least = {};
    for (int64_t i = 0; i < whole; i += lanes) {
      for (int l = 0; l < lanes; ++l) {
        const float signedV = x[begin + i + l];
        const float v = std::fabs(signedV);
        sums[size_t(l)] += v;
        least[size_t(l)] =
            signedV < least[size_t(l)] ? signedV : least[size_t(l)];
        greatest[size_t(l)] = v > greatest[size_t(l)] ? v : greatest[size_t(l)];
      }
    }
    for (int64_t i = whole; i < run; ++i) {
      const float v = std::fabs(x[begin + i]);
      sums[0] += v;
      greatest[0] = std::max(greatest[0], v);
      least[0] = std::min(least[0], x[begin + i]);
    }
    for (int l = 0; l < lanes; ++l) {
      result.sum += double(sums[size_t(l)]);
      result.max = std::max(result.max, greatest[size_t(l)]);
      result.hasNegative |= least[size_t(l)] < 0;
    }
  }
}

Magnitudes measureMagnitudes(std::span<const float> x,
                             const nn::StepContext &context) {
  std::array<Magnitudes, nn::reductionParts> parts;
  nn::forEachPart(context, int64_t(x.size()), [&](int part, TaskRange range) {
    measureRange(x.data() + range.begin, range.end - range.begin,
                 parts[size_t(part)]);
  });
  Magnitudes total;
  for (const Magnitudes &part : parts) {
    total.sum += part.sum;
    total.max = std::max(total.max, part.max);
    total.hasNegative |= part.hasNegative;
  }
  return total;
}

/// To nearest, ties to even, for |v| < 2^22; anything for NaN.
static LPGEN_INLINE int32_t roundSmall(float v) {
  constexpr float magic = 12582912.0F; // 1.5 * 2^23
  return int32_t(std::bit_cast<uint32_t>(v + magic) -
                 std::bit_cast<uint32_t>(magic));
}

/// floor(v) + (noise < v - floor(v)), for |v| < 2^22: never moves an integer,
/// as floor(v + noise) would where the sum is rounded.
static LPGEN_INLINE int32_t roundStochastic(float v, float noise) {
  const int32_t nearest = roundSmall(v);
  const int32_t down = nearest - (float(nearest) > v ? 1 : 0);
  return down + (noise < v - float(down) ? 1 : 0);
}

/// Between the keys of neighbours: 2^32 times the golden ratio.
static constexpr uint32_t noiseStride = 0x9E3779B9U;

/// In [0, 1), 24 bits: the number of element `index` under `key`. In 32 bits,
/// of which a vector holds many; two rounds of multiplication and shift.
static LPGEN_INLINE float noiseAt(uint32_t key, uint32_t index) {
  uint32_t h = key + index * noiseStride;
  h = (h ^ (h >> 16)) * 0x85EBCA6BU;
  h = (h ^ (h >> 13)) * 0xC2B2AE35U;
  h ^= h >> 16;
  return float(int32_t(h >> 8)) * 0x1p-24F;
}

namespace {
/// How floats become integers.
struct Grid {
  CodeRange codes;
  float inverse; ///< Of the scale.
  Rounding rounding;
  nn::RandomKey random;
};
} // namespace

/// Up to runLength elements, whose sums fit 32 bits; `key` is that of their
/// noise.
template <Rounding rounding, typename T>
static LPGEN_INLINE void quantizeRun(const float *x, int64_t count,
                                     const Grid &grid, uint32_t key,
                                     T *__restrict q, QuantizeCounts &counts) {
  int32_t sum = 0;
  int32_t saturated = 0;
  int32_t underflown = 0;
  int32_t signs = 0; ///< All codes or-ed: negative if one is.
  int32_t invalid = 0;
  const auto lowest = float(grid.codes.lowest);
  const auto highest = float(grid.codes.highest);
  const float inverse = grid.inverse;
  for (int64_t i = 0; i < count; ++i) {
    const float scaled = x[i] * inverse;
    // Comparisons that leave a NaN as it is. The ends of the range are
    // integers: nothing is rounded beyond them.
    const float raised = scaled < lowest ? lowest : scaled;
    const float clamped = raised > highest ? highest : raised;
    const int32_t code =
        rounding == Rounding::Nearest
            ? roundSmall(clamped)
            : roundStochastic(clamped, noiseAt(key, uint32_t(i)));
    q[i] = T(code);
    signs |= code;
    sum += code < 0 ? -code : code;
    saturated += int(scaled > highest + 0.5F) | int(scaled < lowest - 0.5F);
    underflown += int(code == 0) & int(x[i] != 0.0F);
    invalid += clamped == clamped ? 0 : 1;
  }
  counts.sum += sum;
  counts.saturated += saturated;
  counts.underflown += underflown;
  counts.hasNegative |= signs < 0;
  counts.hasInvalid |= invalid != 0;
}

/// Elements of [range.begin, range.end); T is the storage of q. Runs begin at
/// multiples of runLength, so that noise depends on the position alone.
template <typename T>
static LPGEN_INLINE void quantizeRange(const float *x, TaskRange range,
                                       const Grid &grid, T *q,
                                       QuantizeCounts &counts) {
  for (int64_t begin = range.begin; begin < range.end;) {
    const int64_t end =
        std::min(begin / runLength * runLength + runLength, range.end);
    const float *from = x + begin;
    if (grid.rounding == Rounding::Nearest) {
      quantizeRun<Rounding::Nearest>(from, end - begin, grid, 0, q + begin,
                                     counts);
    } else {
      const auto key = uint32_t(grid.random.bits(uint64_t(begin / runLength)));
      quantizeRun<Rounding::Stochastic>(
          from, end - begin, grid,
          key + uint32_t(begin % runLength) * noiseStride, q + begin, counts);
    }
    begin = end;
  }
}

LPGEN_VECTOR_CLONES
static void quantizeInto(const float *x, TaskRange range, const Grid &grid,
                         int8_t *q, QuantizeCounts &counts) {
  quantizeRange(x, range, grid, q, counts);
}

LPGEN_VECTOR_CLONES
static void quantizeInto(const float *x, TaskRange range, const Grid &grid,
                         int16_t *q, QuantizeCounts &counts) {
  quantizeRange(x, range, grid, q, counts);
}

std::optional<float> scaleOf(float limit, CodeRange codes) {
  const float scale = limit / float(codes.highest);
  return std::isnormal(scale) ? std::optional(scale) : std::nullopt;
}

QuantizeCounts quantize(std::span<const float> x, CodeRange codes, float scale,
                        Rounding rounding, const nn::RandomKey &random,
                        const nn::StepContext &context, IntTensor &q) {
  assert(std::isnormal(scale) && scale > 0 && "no scale");
  assert(-codes.lowest <= codes.highest && "no such range");
  q.reset(int64_t(x.size()), codes.highest, scale);
  std::array<QuantizeCounts, nn::reductionParts> parts;
  const Grid grid = {codes, 1.0F / scale, rounding, random};
  q.visit([&](auto *to) {
    nn::forEachPart(context, int64_t(x.size()), [&](int part, TaskRange range) {
      quantizeInto(x.data(), range, grid, to, parts[size_t(part)]);
    });
  });
  QuantizeCounts total;
  for (const QuantizeCounts &part : parts) {
    total.sum += part.sum;
    total.saturated += part.saturated;
    total.underflown += part.underflown;
    total.hasNegative |= part.hasNegative;
    total.hasInvalid |= part.hasInvalid;
  }
  if (!total.hasNegative) {
    q.setNonNegative();
  }
  return total;
}

} // namespace lpgen::quant
