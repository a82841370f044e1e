// The functions of f32 of the operator language, each a fixed sequence of
// binary32 operations, rounded one by one. This text is their definition.
//
// It has two readers: the interpreter computes with it, and the compiler emits
// the operations that it names. So F is a number, or the value that stands for
// one in a kernel, and likewise the type of `bits(F)`, 32 bits. They bring
// + - * / and < of numbers, + - | & << of bits, and these functions, which
// argument-dependent lookup finds:
//
//     constantLike(x, c)             the constant c, of the type of x
//     select(condition, F a, F b)    a where the condition holds, else b
//     bits(F x), number(bits)        the 32 bits of a number, and back
//     shiftRight(bits, unsigned n)   copies of the sign shifted in
//     toNumber(bits)                 a signed integer of at most 24 bits
//     squareRoot(F x)                rounded correctly
//
// The coefficients are those of minimax polynomials for the intervals that are
// named, rounded to binary32. tests/unit/float-functions-test.cpp has the
// bounds of the errors.
#ifndef LPGEN_BASE_TYPES_FLOATALGORITHMS_H
#define LPGEN_BASE_TYPES_FLOATALGORITHMS_H

#include "base/types/FloatFunctions.h"
#include <cstddef>
#include <cstdint>
#include <limits>

namespace lpgen::floatalgorithms {

// ln 2 in two parts; the first has 9 bits, so that its products with exponents
// are exact.
constexpr float ln2High = 0x1.63p-1F;
constexpr float ln2Low = -0x1.bd01060p-13F;

/// The polynomial with the coefficients c, that of x^0 first, by Horner's rule.
template <typename F, size_t N>
F polynomial(F x, const std::array<float, N> &c) {
  F value = constantLike(x, c[N - 1]);
  for (size_t i = N - 1; i-- > 0;) {
    value = value * x + constantLike(x, c[i]);
  }
  return value;
}

template <typename F>
F magnitude(F x) {
  const auto code = bits(x);
  return number(code & constantLike(code, 0x7fffffffU));
}

/// `x`, which has no sign, with that of `from`.
template <typename F>
F withSignOf(F from, F x) {
  const auto code = bits(from);
  return number(bits(x) | (code & constantLike(code, 0x80000000U)));
}

/// With k the integer next to x / ln 2 and r = x - k ln 2,
/// e^x = 2^k (1 + r + r^2 q(r)), |r| <= ln 2 / 2. Multiplied by 2^k in two
/// steps, of which the second alone can round; 2^k itself may be no f32.
template <typename F>
F exponential(F x) {
  const auto c = [&](float value) { return constantLike(x, value); };
  // Beyond these ends the result is infinity or 0.
  const F below = select(c(89.0F) < x, c(89.0F), x);
  const F inside = select(below < c(-104.0F), c(-104.0F), below);
  // The sum with 1.5 * 2^23 is rounded to an integer, which its low bits hold.
  const F shifter = c(12582912.0F);
  const F shifted = inside * c(0x1.715476p0F) + shifter;
  const F k = shifted - shifter;
  const F r = (inside - k * c(ln2High)) - k * c(ln2Low);
  const F q =
      polynomial(r, std::array{0x1.fffffcp-2F, 0x1.555492p-3F, 0x1.5558f2p-5F,
                               0x1.123a2p-7F, 0x1.6a23d6p-10F});
  const F power = (q * (r * r) + r) + c(1.0F);
  const auto exponent = bits(shifted) - bits(shifter);
  const auto half = shiftRight(exponent, 1);
  const auto bias = constantLike(exponent, 127U);
  return (power * number((half + bias) << 23)) *
         number(((exponent - half) + bias) << 23);
}

/// x = 2^k m with m from sqrt(1/2) to sqrt(2), f = m - 1, s = f / (2 + f):
/// log x = k ln 2 + f - (h - s (h + r)), h = f^2 / 2, where
/// s r = 2 atanh(s) - 2 s = s^3 p(s^2).
template <typename F>
F logarithm(F x) {
  const auto c = [&](float value) { return constantLike(x, value); };
  // Denormals become normal.
  const auto isSmall = x < c(0x1p-126F);
  const auto code = bits(select(isSmall, x * c(0x1p23F), x));
  const auto exponent = shiftRight(code - constantLike(code, 0x3f3504f3U), 23);
  const F k = toNumber(exponent) - select(isSmall, c(23.0F), c(0.0F));
  const F f = number(code - (exponent << 23)) - c(1.0F);
  const F s = f / (f + c(2.0F));
  const F z = s * s;
  const F r = z * polynomial(z, std::array{0x1.555554p-1F, 0x1.999abep-2F,
                                           0x1.242ae4p-2F, 0x1.e4c48cp-3F});
  const F h = f * f * c(0.5F);
  const F log = (f - (h - (s * (h + r) + k * c(ln2Low)))) + k * c(ln2High);
  constexpr float infinity = std::numeric_limits<float>::infinity();
  const F atMostZero = select(
      x < c(0.0F), c(std::numeric_limits<float>::quiet_NaN()), c(-infinity));
  const F result = select(c(0.0F) < x, log, atMostZero);
  return select(x < c(infinity), result, x); // Infinity and NaN are their own.
}

/// x + x^3 p(x^2) up to 0.625, beyond it 1 - 2 / (e^2x + 1), of |x|; then the
/// sign.
template <typename F>
F hyperbolicTangent(F x) {
  const auto c = [&](float value) { return constantLike(x, value); };
  const F a = magnitude(x);
  const F z = a * a;
  const F p =
      polynomial(z, std::array{-0x1.555534p-2F, 0x1.110768p-3F, -0x1.b84448p-5F,
                               0x1.5256d6p-6F, -0x1.76ac12p-8F});
  const F low = a + a * (z * p);
  const F high = c(1.0F) - c(2.0F) / (exponential(a + a) + c(1.0F));
  return withSignOf(x, select(a < c(0.625F), low, high));
}

/// 1 / (1 + e^-x), and e^x / (1 + e^x) for negative x.
template <typename F>
F logistic(F x) {
  const auto c = [&](float value) { return constantLike(x, value); };
  const F power = exponential(c(0.0F) - magnitude(x));
  return select(x < c(0.0F), power, c(1.0F)) / (power + c(1.0F));
}

/// x + x p(x^2) up to 0.875, beyond it 1 - e^(x q(x)) with
/// x q(x) = log(1 - erf x) up to 4, of |x|; then the sign.
template <typename F>
F errorFunction(F x) {
  const auto c = [&](float value) { return constantLike(x, value); };
  const F a = magnitude(x);
  const F p = polynomial(a * a, std::array{0x1.06eba6p-3F, -0x1.81271p-2F,
                                           0x1.ce21d8p-4F, -0x1.b6fdfep-6F,
                                           0x1.4a07ecp-8F, -0x1.463bf4p-11F});
  const F low = a + a * p;
  const F t = select(c(4.0F) < a, c(4.0F), a);
  const F q =
      polynomial(t, std::array{-0x1.20ed6ep0F, -0x1.454064p-1F, -0x1.b26b96p-4F,
                               0x1.82c7d8p-6F, -0x1.d3b35p-9F, 0x1.3f1d92p-12F,
                               -0x1.3a3a64p-17F});
  const F high = c(1.0F) - exponential(t * q);
  return withSignOf(x, select(a < c(0.875F), low, high));
}

/// The value of a function, by its algorithm.
template <typename F>
F apply(FloatFunction function, F x) {
  switch (function) {
  case FloatFunction::Exp:
    return exponential(x);
  case FloatFunction::Log:
    return logarithm(x);
  case FloatFunction::Sqrt:
    return squareRoot(x);
  case FloatFunction::Rsqrt:
    return constantLike(x, 1.0F) / squareRoot(x);
  case FloatFunction::Tanh:
    return hyperbolicTangent(x);
  case FloatFunction::Sigmoid:
    return logistic(x);
  case FloatFunction::Erf:
    return errorFunction(x);
  }
  __builtin_unreachable();
}

} // namespace lpgen::floatalgorithms

#endif // LPGEN_BASE_TYPES_FLOATALGORITHMS_H
