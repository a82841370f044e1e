// Blocks with one scale of 16 bits, and in some formats one offset.
#include "base/types/Scalar.h"
#include "networks/import/gguf/Decoders.h"
#include <cstring>

namespace lpgen::importer::gguf {

float halfAt(const uint8_t *bytes) {
  uint16_t half;
  std::memcpy(&half, bytes, sizeof(half));
  return scalar::halfToFloat(half);
}

/// 32 nibbles, the low ones of 16 bytes first, each less `zero`.
static void decodeNibbles(const uint8_t *bytes, int zero, Block &block) {
  for (size_t i = 0; i < 16; ++i) {
    block.codes[i] = int8_t((bytes[i] & 15) - zero);
    block.codes[i + 16] = int8_t((bytes[i] >> 4) - zero);
  }
}

/// The same with a fifth bit for each, in a word before them.
static void decodeFiveBits(const uint8_t *bytes, int zero, Block &block) {
  uint32_t high;
  std::memcpy(&high, bytes, sizeof(high));
  decodeNibbles(bytes + sizeof(high), 0, block);
  for (size_t i = 0; i < 32; ++i) {
    block.codes[i] = int8_t(block.codes[i] + int((high >> i & 1U) << 4) - zero);
  }
}

void decodeQ40(const uint8_t *bytes, Block &block) {
  block.scales[0] = halfAt(bytes);
  decodeNibbles(bytes + 2, 8, block);
}

void decodeQ41(const uint8_t *bytes, Block &block) {
  block.scales[0] = halfAt(bytes);
  block.offsets[0] = halfAt(bytes + 2);
  decodeNibbles(bytes + 4, 0, block);
}

void decodeQ50(const uint8_t *bytes, Block &block) {
  block.scales[0] = halfAt(bytes);
  decodeFiveBits(bytes + 2, 16, block);
}

void decodeQ51(const uint8_t *bytes, Block &block) {
  block.scales[0] = halfAt(bytes);
  block.offsets[0] = halfAt(bytes + 2);
  decodeFiveBits(bytes + 4, 0, block);
}

void decodeQ80(const uint8_t *bytes, Block &block) {
  block.scales[0] = halfAt(bytes);
  std::memcpy(block.codes.data(), bytes + 2, 32);
}

/// `digits` digits of base 3 in each of `count` bytes, each byte a fraction of
/// 256, the first digit the highest; first those of all bytes, then the second
/// ones, and so on.
static int8_t *decodeTrits(const uint8_t *bytes, size_t count, unsigned digits,
                           int8_t *codes) {
  unsigned power = 1;
  for (unsigned digit = 0; digit < digits; ++digit, power *= 3) {
    for (size_t i = 0; i < count; ++i) {
      const unsigned rest = bytes[i] * power & 255U;
      *codes++ = int8_t(int(rest * 3 >> 8) - 1);
    }
  }
  return codes;
}

void decodeTQ10(const uint8_t *bytes, Block &block) {
  int8_t *codes = decodeTrits(bytes, 32, 5, block.codes.data());
  codes = decodeTrits(bytes + 32, 16, 5, codes);
  decodeTrits(bytes + 48, 4, 4, codes);
  block.scales[0] = halfAt(bytes + 52);
}

void decodeTQ20(const uint8_t *bytes, Block &block) {
  int8_t *codes = block.codes.data();
  for (size_t half = 0; half < 64; half += 32) {
    for (unsigned shift = 0; shift < 8; shift += 2) {
      for (size_t i = 0; i < 32; ++i) {
        *codes++ = int8_t((bytes[half + i] >> shift & 3) - 1);
      }
    }
  }
  block.scales[0] = halfAt(bytes + 64);
}

void decodeQ10(const uint8_t *bytes, Block &block) {
  block.scales[0] = halfAt(bytes);
  for (size_t i = 0; i < 128; ++i) {
    block.codes[i] = (bytes[2 + i / 8] >> (i % 8) & 1) != 0 ? 1 : -1;
  }
}

void decodeQ20(const uint8_t *bytes, Block &block) {
  block.scales[0] = halfAt(bytes);
  for (size_t i = 0; i < 64; ++i) {
    block.codes[i] = int8_t((bytes[2 + i / 4] >> (2 * (i % 4)) & 3) - 1);
  }
}

} // namespace lpgen::importer::gguf
