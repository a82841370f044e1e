// Super-blocks of 256 weights. Their groups have scales of 4 to 8 bits, which
// multiply one of 16 bits; so do the offsets, which are taken off.
#include "networks/import/gguf/Decoders.h"

namespace lpgen::importer::gguf {

/// Two bits of each weight: each byte of 32 has one of four runs of 32 weights,
/// the first in the lowest bits.
static unsigned twoBits(const uint8_t *bytes, size_t weight) {
  return bytes[weight / 128 * 32 + weight % 32] >> (weight % 128 / 32 * 2) & 3U;
}

void decodeQ2K(const uint8_t *bytes, Block &block) {
  const float scale = halfAt(bytes + 80);
  const float offset = halfAt(bytes + 82);
  for (size_t group = 0; group < 16; ++group) {
    block.scales[group] = scale * float(bytes[group] & 15);
    block.offsets[group] = -(offset * float(bytes[group] >> 4));
  }
  for (size_t i = 0; i < 256; ++i) {
    block.codes[i] = int8_t(twoBits(bytes + 16, i));
  }
}

void decodeQ3K(const uint8_t *bytes, Block &block) {
  const uint8_t *small = bytes + 96;
  const float scale = halfAt(bytes + 108);
  for (size_t group = 0; group < 16; ++group) {
    // Four bits: the low ones of eight bytes, then the high ones.
    const int low = small[group % 8] >> (group / 8 * 4) & 15;
    const int high = small[8 + group % 4] >> (group / 4 * 2) & 3;
    block.scales[group] = scale * float((high << 4 | low) - 32);
  }
  for (size_t i = 0; i < 256; ++i) {
    // Bit i / 32 of byte i % 32 is the third one, inverted.
    const bool isHigh = (bytes[i % 32] >> (i / 32) & 1) != 0;
    block.codes[i] = int8_t(int(twoBits(bytes + 32, i)) - (isHigh ? 0 : 4));
  }
}

/// Scales and offsets of eight groups, of 6 bits each, in 12 bytes. Those of
/// the last four groups have their high bits in the first eight bytes.
static void decodeSixBits(const uint8_t *bytes, Block &block) {
  const float scale = halfAt(bytes);
  const float offset = halfAt(bytes + 2);
  const uint8_t *small = bytes + 4;
  for (size_t group = 0; group < 8; ++group) {
    int times = small[group % 4];
    int less = small[4 + group % 4];
    if (group < 4) {
      times &= 63;
      less &= 63;
    } else {
      times = (small[4 + group] & 15) | times >> 6 << 4;
      less = small[4 + group] >> 4 | less >> 6 << 4;
    }
    block.scales[group] = scale * float(times);
    block.offsets[group] = -(offset * float(less));
  }
}

/// Bytes of 32 have two runs of 32 weights, the first in the low nibbles.
static int nibble(const uint8_t *bytes, size_t weight) {
  return bytes[weight / 64 * 32 + weight % 32] >> (weight % 64 / 32 * 4) & 15;
}

void decodeQ4K(const uint8_t *bytes, Block &block) {
  decodeSixBits(bytes, block);
  for (size_t i = 0; i < 256; ++i) {
    block.codes[i] = int8_t(nibble(bytes + 16, i));
  }
}

void decodeQ5K(const uint8_t *bytes, Block &block) {
  decodeSixBits(bytes, block);
  for (size_t i = 0; i < 256; ++i) {
    const int high = bytes[16 + i % 32] >> (i / 32) & 1;
    block.codes[i] = int8_t(high << 4 | nibble(bytes + 48, i));
  }
}

void decodeQ6K(const uint8_t *bytes, Block &block) {
  const float scale = halfAt(bytes + 208);
  for (size_t group = 0; group < 16; ++group) {
    block.scales[group] = scale * float(int8_t(bytes[192 + group]));
  }
  for (size_t i = 0; i < 256; ++i) {
    // Bytes of 64 have two runs of 64 weights in their nibbles.
    const int low = bytes[i / 128 * 64 + i % 64] >> (i % 128 / 64 * 4) & 15;
    block.codes[i] = int8_t((int(twoBits(bytes + 128, i)) << 4 | low) - 32);
  }
}

} // namespace lpgen::importer::gguf
