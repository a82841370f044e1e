// The scalar primitives of the operator language: what one operation on one
// integer or one f32 means.
//
// The interpreter and the runtime compute with these functions and the compiler
// emits the same operations, so a formula here is the definition. Only +, -, *,
// /, comparisons and conversions are used; the rounding mode of the
// floating-point environment must be the default, to nearest with ties to even.
#ifndef LPGEN_BASE_TYPES_SCALAR_H
#define LPGEN_BASE_TYPES_SCALAR_H

#include "base/types/ElementType.h"
#include <bit>
#include <cassert>
#include <cmath>
#include <cstdint>

namespace lpgen::scalar {

/// The value of `type` that a store of `v` leaves behind: `v` clamped to the
/// type's range. Bipolar types hold odd values only; an even value lies between
/// two of them and goes to the upper one (ties upward), which is in range since
/// the largest value is odd.
inline int64_t saturate(int64_t v, ElementType type) {
  assert(!type.isFloat() && "integers only");
  const int64_t lo = type.minValue();
  const int64_t hi = type.maxValue();
  const int64_t clamped = v < lo ? lo : v > hi ? hi : v;
  return type.encoding == Encoding::Bipolar ? clamped | 1 : clamped;
}

/// a / b rounded toward minus infinity. b != 0, and not INT64_MIN / -1.
inline int64_t floorDiv(int64_t a, int64_t b) {
  assert(b != 0 && (a != INT64_MIN || b != -1) && "quotient does not exist");
  const int64_t q = a / b;
  return q - ((a % b != 0 && (a < 0) != (b < 0)) ? 1 : 0);
}

/// a / b rounded to nearest, ties away from zero. b != 0, and not INT64_MIN /
/// -1.
inline int64_t roundDiv(int64_t a, int64_t b) {
  assert(b != 0 && (a != INT64_MIN || b != -1) && "quotient does not exist");
  const int64_t q = a / b;
  const int64_t r = a % b;
  // Magnitudes in uint64_t: |INT64_MIN| has no int64_t.
  const uint64_t rMagnitude = r < 0 ? -uint64_t(r) : uint64_t(r);
  const uint64_t bMagnitude = b < 0 ? -uint64_t(b) : uint64_t(b);
  if (rMagnitude < bMagnitude - rMagnitude) {
    return q;
  }
  return (a < 0) != (b < 0) ? q - 1 : q + 1;
}

/// a - b * floorDiv(a, b), between 0 and b. b != 0.
inline int64_t floorMod(int64_t a, int64_t b) {
  assert(b != 0 && "remainder does not exist");
  if (b == -1) {
    return 0; // INT64_MIN / -1 has no int64_t
  }
  const int64_t r = a % b;
  return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}

/// v >> n, copies of the sign shifted in: floor(v / 2^n). 0 <= n <= 63.
inline int64_t shiftRight(int64_t v, int64_t n) {
  assert(n >= 0 && n <= 63 && "shift amount");
  return v >> n;
}

/// The two's complement value of the low 32 bits.
inline int64_t wrap32(int64_t v) { return int32_t(uint32_t(uint64_t(v))); }

/// TFLite's MultiplyByQuantizedMultiplier (the form with two roundings, as in
/// gemmlowp), that is about acc * mult * 2^(shift - 31):
///   left  = max(shift, 0), right = max(-shift, 0)
///   x     = acc * 2^left, saturated to 32 bits (undefined in TFLite)
///   p     = x * mult, 64 bits
///   high  = (p + (p >= 0 ? 2^30 : 1 - 2^30)) / 2^31, the division toward zero
///           (SaturatingRoundingDoublingHighMul: ties upward, away from zero
///           for p > 0)
///   low   = high & (2^right - 1)
///   y     = (high >> right)
///         + (low > ((2^right - 1) >> 1) + (high < 0 ? 1 : 0) ? 1 : 0)
///           (RoundingDivideByPOT: ties away from zero)
/// 0 <= mult, -31 <= shift <= 30; no step after x can leave 32 bits.
inline int32_t rescale(int32_t acc, int32_t mult, int32_t shift) {
  assert(mult >= 0 && "multiplier");
  assert(shift >= -31 && shift <= 30 && "shift");
  const int left = shift > 0 ? shift : 0;
  const int right = shift > 0 ? 0 : -shift;
  const int64_t x = saturate(int64_t(acc) * (int64_t{1} << left),
                             ElementType{Encoding::Signed, 32});
  const int64_t p = x * mult;
  const int64_t nudge = p >= 0 ? int64_t{1} << 30 : 1 - (int64_t{1} << 30);
  const int64_t high = (p + nudge) / (int64_t{1} << 31);
  const int64_t mask = (int64_t{1} << right) - 1;
  const int64_t threshold = (mask >> 1) + (high < 0 ? 1 : 0);
  return int32_t((high >> right) + ((high & mask) > threshold ? 1 : 0));
}

/// Integer to f32, one rounding to nearest, ties to even.
inline float toFloat(int64_t v) { return static_cast<float>(v); }

/// The value of the 16 bits of an f16 (IEEE 754 binary16), exact.
inline float halfToFloat(uint16_t half) {
  const uint32_t sign = uint32_t(half >> 15) << 31;
  const uint32_t exponent = half >> 10 & 31U;
  const uint32_t fraction = half & 1023U;
  if (exponent == 0) { // zero, or fraction * 2^-24
    const float magnitude = float(fraction) * 0x1p-24F;
    return std::bit_cast<float>(std::bit_cast<uint32_t>(magnitude) | sign);
  }
  const uint32_t rebased = exponent == 31 ? 255U : exponent + (127 - 15);
  return std::bit_cast<float>(sign | rebased << 23 | fraction << 13);
}

/// An f32 as an f16, rounded to nearest, ties to even: from 65520 on infinity.
/// A NaN stays one, with its upper payload, quiet.
inline uint16_t floatToHalf(float v) {
  const uint32_t bits = std::bit_cast<uint32_t>(v);
  const uint32_t sign = bits >> 16 & 0x8000U;
  const uint32_t magnitude = bits & 0x7fffffffU;
  uint32_t half = 0;
  if (magnitude > 0x7f800000U) {
    half = 0x7e00U | (magnitude >> 13 & 0x1ffU);
  } else if (magnitude < 0x38800000U) { // below 2^-14, the least normal number
    // From 1/2 on an f32 has steps of 2^-24, as these f16 have.
    const float shifted = std::bit_cast<float>(magnitude) + 0.5F;
    half = std::bit_cast<uint32_t>(shifted) - 0x3f000000U;
  } else {
    const uint32_t rebased = magnitude - (uint32_t{127 - 15} << 23);
    const uint32_t rounded = (rebased + 0xfffU + (rebased >> 13 & 1U)) >> 13;
    half = rounded < 0x7c00U ? rounded : 0x7c00U;
  }
  return uint16_t(sign | half);
}

/// The value of the 16 bits of a bf16, exact.
inline float brainToFloat(uint16_t brain) {
  return std::bit_cast<float>(uint32_t{brain} << 16);
}

/// An f32 as a bf16, rounded to nearest, ties to even. A NaN stays one, with
/// its upper payload, quiet.
inline uint16_t floatToBrain(float v) {
  const uint32_t bits = std::bit_cast<uint32_t>(v);
  return std::isnan(v) ? uint16_t(bits >> 16 | 0x40U)
                       : uint16_t((bits + 0x7fffU + (bits >> 16 & 1U)) >> 16);
}

/// The value that 16 stored bits of `type`, f16 or bf16, stand for.
inline float loadFloat(uint16_t bits, ElementType type) {
  return type.encoding == Encoding::Brain ? brainToFloat(bits)
                                          : halfToFloat(bits);
}
/// What a store of `v` to an element of `type`, f16 or bf16, leaves.
inline uint16_t storeFloat(float v, ElementType type) {
  return type.encoding == Encoding::Brain ? floatToBrain(v) : floatToHalf(v);
}
/// The value of an element of `type`, one of the floats, after a store of `v`.
inline float storedFloat(float v, ElementType type) {
  return type.isNarrowFloat() ? loadFloat(storeFloat(v, type), type) : v;
}

/// An integral f32 to i32: saturates, NaN gives 0.
inline int64_t integralToInt32(float v) {
  if (std::isnan(v)) {
    return 0;
  }
  // 2^31 and -2^31 are f32 values; below 2^31 the next is 2^31 - 128.
  if (v >= 2147483648.0f) {
    return INT32_MAX;
  }
  if (v <= -2147483648.0f) {
    return INT32_MIN;
  }
  return static_cast<int32_t>(v);
}

/// f32 to i32 rounded to nearest, ties to even; saturates, NaN gives 0.
inline int64_t roundToInt32(float v) {
  return integralToInt32(std::nearbyint(v));
}
/// f32 to i32 rounded down; saturates, NaN gives 0.
inline int64_t floorToInt32(float v) { return integralToInt32(std::floor(v)); }
/// f32 to i32 rounded up; saturates, NaN gives 0.
inline int64_t ceilToInt32(float v) { return integralToInt32(std::ceil(v)); }
/// f32 to i32 rounded toward zero; saturates, NaN gives 0.
inline int64_t truncToInt32(float v) { return integralToInt32(std::trunc(v)); }

/// f32 to i32 rounded to nearest, ties away from zero; saturates, NaN gives 0.
inline int64_t roundHalfAwayToInt32(float v) {
  return integralToInt32(std::round(v));
}
/// f32 to i32 rounded to nearest, ties up; saturates, NaN gives 0. Above the
/// floor there is at most one rounding, which does not cross a half.
inline int64_t roundHalfUpToInt32(float v) {
  const float down = std::floor(v);
  return integralToInt32(v - down >= 0.5f ? down + 1.0f : down);
}

/// IEEE 754-2019 maximum: NaN if either is NaN, and -0 < +0.
inline float maximum(float a, float b) {
  if (std::isnan(a) || std::isnan(b)) {
    return a + b;
  }
  if (a == b) {
    return std::signbit(a) ? b : a;
  }
  return a > b ? a : b;
}

/// IEEE 754-2019 minimum: NaN if either is NaN, and -0 < +0.
inline float minimum(float a, float b) {
  if (std::isnan(a) || std::isnan(b)) {
    return a + b;
  }
  if (a == b) {
    return std::signbit(a) ? a : b;
  }
  return a < b ? a : b;
}

/// The finalizer of splitmix64, a bijection of 64-bit words; all operations are
/// modulo 2^64:
///   z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9
///   z = (z ^ (z >> 27)) * 0x94D049BB133111EB
///   z =  z ^ (z >> 31)
inline uint64_t mix64(uint64_t z) {
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

/// The generator behind random(), without state: modulo 2^64,
///   hash(seed, index) = mix64(mix64(seed * G + index) + G), G =
///   0x9E3779B97F4A7C15
/// (the addition in between keeps seed 0, index 0 off the fixed point mix64(0)
/// = 0).
inline uint64_t hash(uint64_t seed, uint64_t index) {
  constexpr uint64_t golden = 0x9E3779B97F4A7C15u;
  return mix64(mix64(seed * golden + index) + golden);
}

/// random(seed) at element `index` (row-major position in the assigned tensor):
/// the upper 24 bits of the hash times 2^-24, an exact f32 in [0, 1).
inline float random(uint64_t seed, uint64_t index) {
  return static_cast<float>(static_cast<int32_t>(hash(seed, index) >> 40)) *
         0x1p-24f;
}

/// The code of a value that `type` holds, in the low `type.bits` bits: unsigned
/// v, signed and ternary two's complement, bipolar (v + 2^bits - 1) / 2.
inline uint64_t toCode(int64_t v, ElementType type) {
  assert(!type.isFloat() && type.holds(v) && "value has no code in this type");
  const uint64_t mask = ~uint64_t{0} >> (64 - type.bits);
  if (type.encoding == Encoding::Bipolar) {
    return uint64_t(v + type.maxValue()) >> 1;
  }
  return uint64_t(v) & mask;
}

/// The value of a code of `type`; the inverse of toCode. (Ternary code 2 stands
/// for no value of the type and reads as -2.)
inline int64_t fromCode(uint64_t code, ElementType type) {
  assert(!type.isFloat() && "codes stand for integers");
  assert((code & ~(~uint64_t{0} >> (64 - type.bits))) == 0 && "code too wide");
  switch (type.encoding) {
  case Encoding::Unsigned:
    break;
  case Encoding::Bipolar:
    return 2 * int64_t(code) - type.maxValue();
  case Encoding::Signed:
  case Encoding::Ternary:
    return int64_t(code << (64 - type.bits)) >> (64 - type.bits);
  case Encoding::Float:
  case Encoding::Brain:
    break;
  }
  return int64_t(code);
}

} // namespace lpgen::scalar

#endif // LPGEN_BASE_TYPES_SCALAR_H
