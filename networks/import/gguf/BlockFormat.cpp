// The table of types. The decoders stand in Blocks.cpp and SuperBlocks.cpp.
#include "networks/import/gguf/BlockFormat.h"
#include "networks/import/gguf/Decoders.h"

namespace lpgen::importer::gguf {

static constexpr ElementType unsignedBits(unsigned bits) {
  return {Encoding::Unsigned, bits};
}
static constexpr ElementType signedBits(unsigned bits) {
  return {Encoding::Signed, bits};
}
static constexpr ElementType ternary = {Encoding::Ternary, 2};
static constexpr ElementType signs = {Encoding::Bipolar, 1};

static constexpr BlockFormat floats(uint32_t code, const char *name,
                                    StoredType type, int64_t bytes) {
  return {code, name, 1, bytes, nullptr, 0, {}, false, type};
}

/// The last ones are known by their size only.
static constexpr BlockFormat formats[] = {
    floats(0, "F32", StoredType::F32, 4),
    floats(1, "F16", StoredType::F16, 2),
    floats(30, "BF16", StoredType::BF16, 2),
    {2, "Q4_0", 32, 18, decodeQ40, 32, signedBits(4)},
    {3, "Q4_1", 32, 20, decodeQ41, 32, unsignedBits(4), true},
    {6, "Q5_0", 32, 22, decodeQ50, 32, signedBits(5)},
    {7, "Q5_1", 32, 24, decodeQ51, 32, unsignedBits(5), true},
    {8, "Q8_0", 32, 34, decodeQ80, 32, signedBits(8)},
    {10, "Q2_K", 256, 84, decodeQ2K, 16, unsignedBits(2), true},
    {11, "Q3_K", 256, 110, decodeQ3K, 16, signedBits(3)},
    {12, "Q4_K", 256, 144, decodeQ4K, 32, unsignedBits(4), true},
    {13, "Q5_K", 256, 176, decodeQ5K, 32, unsignedBits(5), true},
    {14, "Q6_K", 256, 210, decodeQ6K, 16, signedBits(6)},
    {34, "TQ1_0", 256, 54, decodeTQ10, 256, ternary},
    {35, "TQ2_0", 256, 66, decodeTQ20, 256, ternary},
    {41, "Q1_0", 128, 18, decodeQ10, 128, signs},
    {42, "Q2_0", 64, 18, decodeQ20, 64, ternary},
    {9, "Q8_1", 32, 36},
    {15, "Q8_K", 256, 292},
    {16, "IQ2_XXS", 256, 66},
    {17, "IQ2_XS", 256, 74},
    {18, "IQ3_XXS", 256, 98},
    {19, "IQ1_S", 256, 50},
    {20, "IQ4_NL", 32, 18},
    {21, "IQ3_S", 256, 110},
    {22, "IQ2_S", 256, 82},
    {23, "IQ4_XS", 256, 136},
    {24, "I8", 1, 1},
    {25, "I16", 1, 2},
    {26, "I32", 1, 4},
    {27, "I64", 1, 8},
    {28, "F64", 1, 8},
    {29, "IQ1_M", 256, 56},
    {39, "MXFP4", 32, 17},
    {40, "NVFP4", 64, 36},
};

const BlockFormat *findFormat(uint32_t code) {
  for (const BlockFormat &format : formats) {
    if (format.code == code) {
      return &format;
    }
  }
  return nullptr;
}

std::string supportedFormats() {
  std::string names;
  for (const BlockFormat &format : formats) {
    if (format.isSupported()) {
      names += (names.empty() ? "" : ", ") + std::string(format.name);
    }
  }
  return names;
}

} // namespace lpgen::importer::gguf
