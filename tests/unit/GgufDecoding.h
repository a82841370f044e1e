// What the weights of a GGUF file are, element by element from the description
// of the format: independent of the importer.
#ifndef LPGEN_TESTS_UNIT_GGUFDECODING_H
#define LPGEN_TESTS_UNIT_GGUFDECODING_H

#include "tests/unit/GgufTesting.h"
#include <cmath>

namespace lpgen::testing {

/// Element `e` of the block that begins at `p`, in binary32.
class GgufBlock {
public:
  explicit GgufBlock(const char *bytes)
      : p(reinterpret_cast<const uint8_t *>(bytes)) {}

  float element(uint32_t type, unsigned e) const {
    switch (type) {
    case 2: // Q4_0: scale, nibbles
      return half(0) * float(nibble(2, e) - 8);
    case 3: // Q4_1: scale, minimum, nibbles
      return half(0) * float(nibble(4, e)) + half(2);
    case 6: // Q5_0: scale, fifth bits, nibbles
      return half(0) * float(nibble(6, e) + 16 * bit(2, e) - 16);
    case 7: // Q5_1
      return half(0) * float(nibble(8, e) + 16 * bit(4, e)) + half(2);
    case 8: // Q8_0: scale, bytes
      return half(0) * float(int8_t(p[2 + e]));
    case 10: { // Q2_K: scale and minimum in a byte for 16, codes, two halves
      const int scale = p[e / 16] % 16;
      const int minimum = p[e / 16] / 16;
      return half(80) * float(scale) * float(crumb(16, e)) -
             half(82) * float(minimum);
    }
    case 11: // Q3_K: third bits, codes, scales of 6 bits, half
      return half(108) * float(sixBits(96, e / 16)) *
             float(crumb(32, e) - 4 + 4 * plane(0, e));
    case 12: // Q4_K: halves, scales and minima of 6 bits, nibbles
      return half(0) * float(scale6(4, e / 32)) * float(nibble64(16, e)) -
             half(2) * float(minimum6(4, e / 32));
    case 13: // Q5_K: the same with fifth bits before the nibbles
      return half(0) * float(scale6(4, e / 32)) *
                 float(nibble64(48, e) + 16 * plane(16, e)) -
             half(2) * float(minimum6(4, e / 32));
    case 14: { // Q6_K: four low bits, two high bits, scales of 8 bits, half
      const unsigned at = e / 128 * 64 + e % 64;
      const int low = e % 128 < 64 ? p[at] % 16 : p[at] / 16;
      return half(208) * float(int8_t(p[192 + e / 16])) *
             float(low + 16 * crumb(128, e) - 32);
    }
    case 34: // TQ1_0
      return half(52) * float(trit(e) - 1);
    case 35: // TQ2_0
      return half(64) * float(crumb(0, e) - 1);
    case 41: // Q1_0
      return bit(2, e) != 0 ? half(0) : -half(0);
    default: // Q2_0
      return half(0) * float((p[2 + e / 4] >> (e % 4 * 2)) % 4 - 1);
    }
  }

private:
  const uint8_t *p;

  float half(unsigned at) const {
    const int word = p[at] + 256 * p[at + 1];
    const int exponent = word / 1024 % 32;
    const double size = exponent == 0
                            ? std::ldexp(word % 1024, -24)
                            : std::ldexp(word % 1024 + 1024, exponent - 25);
    return float(word >= 32768 ? -size : size);
  }
  /// Bit e of the bytes from `at` on.
  int bit(unsigned at, unsigned e) const {
    return p[at + e / 8] >> (e % 8) & 1;
  }
  /// Of 16 bytes, the low nibbles first.
  int nibble(unsigned at, unsigned e) const {
    return e < 16 ? p[at + e] % 16 : p[at + e - 16] / 16;
  }
  /// The same for each 64 elements in 32 bytes.
  int nibble64(unsigned at, unsigned e) const {
    const int byte = p[at + e / 64 * 32 + e % 32];
    return e % 64 < 32 ? byte % 16 : byte / 16;
  }
  /// For each 128 elements 32 bytes; 32 elements in each two bits.
  int crumb(unsigned at, unsigned e) const {
    return p[at + e / 128 * 32 + e % 32] >> (e / 32 % 4 * 2) & 3;
  }
  /// 32 bytes; 32 elements in each bit.
  int plane(unsigned at, unsigned e) const {
    return p[at + e % 32] >> (e / 32) & 1;
  }
  /// Scale of Q3_K: sixteen of 4 + 2 bits, less 32.
  int sixBits(unsigned at, unsigned s) const {
    const int low = s < 8 ? p[at + s] % 16 : p[at + s - 8] / 16;
    const int high = p[at + 8 + s % 4] >> (s / 4 * 2) & 3;
    return low + 16 * high - 32;
  }
  /// Scales and minima of Q4_K and Q5_K.
  int scale6(unsigned at, unsigned s) const {
    return s < 4 ? p[at + s] % 64
                 : p[at + 4 + s] % 16 + p[at + s - 4] / 64 * 16;
  }
  int minimum6(unsigned at, unsigned s) const {
    return s < 4 ? p[at + 4 + s] % 64
                 : p[at + 4 + s] / 16 + p[at + s] / 64 * 16;
  }
  /// TQ1_0: 5 digits in each of 32 and of 16 bytes, 4 in each of 4 bytes.
  int trit(unsigned e) const {
    const unsigned byte = e < 160   ? e % 32
                          : e < 240 ? 32 + (e - 160) % 16
                                    : 48 + (e - 240) % 4;
    const unsigned digit = e < 160   ? e / 32
                           : e < 240 ? (e - 160) / 16
                                     : (e - 240) / 4;
    unsigned value = p[byte];
    for (unsigned i = 0; i < digit; ++i) {
      value = value * 3 % 256;
    }
    return int(value * 3 / 256);
  }
};

/// All weights of the blocks.
inline std::vector<float> decodedWeights(const GgufType &type,
                                         const std::string &bytes) {
  std::vector<float> weights;
  for (size_t at = 0; at < bytes.size(); at += type.bytes) {
    const GgufBlock block(bytes.data() + at);
    for (unsigned e = 0; e < type.elements; ++e) {
      weights.push_back(block.element(type.code, e));
    }
  }
  return weights;
}

} // namespace lpgen::testing

#endif // LPGEN_TESTS_UNIT_GGUFDECODING_H
