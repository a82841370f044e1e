// Writes small GGUF files, so that tests need none from elsewhere.
#ifndef LPGEN_TESTS_UNIT_GGUFTESTING_H
#define LPGEN_TESTS_UNIT_GGUFTESTING_H

#include <cstdint>
#include <string>
#include <vector>

namespace lpgen::testing {

template <typename T>
std::string numberBytes(T value) {
  return {reinterpret_cast<const char *>(&value), sizeof(value)};
}

/// A string of the format: its length and its bytes.
inline std::string ggufString(const std::string &text) {
  return numberBytes(uint64_t(text.size())) + text;
}

/// A value of the metadata; `bytes` are as its type has them.
inline std::string ggufValue(const std::string &key, uint32_t type,
                             const std::string &bytes) {
  return ggufString(key) + numberBytes(type) + bytes;
}

struct GgufTensorText {
  std::string name;
  std::vector<uint64_t> shape; ///< As in the file: inputs first.
  uint32_t type = 0;
  std::string data;
  int64_t offset = -1; ///< Where it lies, if not behind the one before.
};

/// The header, with counts that can be wrong.
inline std::string ggufHeader(uint64_t tensors, uint64_t values,
                              uint32_t version = 3) {
  return "GGUF" + numberBytes(version) + numberBytes(tensors) +
         numberBytes(values);
}

inline std::string ggufFile(const std::vector<GgufTensorText> &tensors,
                            const std::vector<std::string> &values = {},
                            size_t alignment = 32) {
  std::string file = ggufHeader(tensors.size(), values.size());
  for (const std::string &value : values) {
    file += value;
  }
  const auto pad = [&](std::string &bytes) {
    bytes.resize((bytes.size() + alignment - 1) / alignment * alignment);
  };
  std::string data;
  for (const GgufTensorText &tensor : tensors) {
    pad(data);
    file +=
        ggufString(tensor.name) + numberBytes(uint32_t(tensor.shape.size()));
    for (const uint64_t extent : tensor.shape) {
      file += numberBytes(extent);
    }
    file += numberBytes(tensor.type) +
            numberBytes(uint64_t(tensor.offset < 0 ? int64_t(data.size())
                                                   : tensor.offset));
    data += tensor.data;
  }
  pad(file);
  return file + data;
}

/// What the types of the format look like: bytes for as many elements, and
/// where the numbers of 16 bits stand.
struct GgufType {
  uint32_t code;
  const char *name;
  size_t elements;
  size_t bytes;
  std::vector<size_t> halves;
};

inline const std::vector<GgufType> &ggufTypes() {
  static const std::vector<GgufType> types = {
      {2, "Q4_0", 32, 18, {0}},       {3, "Q4_1", 32, 20, {0, 2}},
      {6, "Q5_0", 32, 22, {0}},       {7, "Q5_1", 32, 24, {0, 2}},
      {8, "Q8_0", 32, 34, {0}},       {10, "Q2_K", 256, 84, {80, 82}},
      {11, "Q3_K", 256, 110, {108}},  {12, "Q4_K", 256, 144, {0, 2}},
      {13, "Q5_K", 256, 176, {0, 2}}, {14, "Q6_K", 256, 210, {208}},
      {34, "TQ1_0", 256, 54, {52}},   {35, "TQ2_0", 256, 66, {64}},
      {41, "Q1_0", 128, 18, {0}},     {42, "Q2_0", 64, 18, {0}},
  };
  return types;
}

/// Blocks of any bytes, with scales that are finite: of either sign, small,
/// large and denormal.
inline std::string someBlocks(const GgufType &type, size_t blocks,
                              uint32_t seed = 1) {
  std::string bytes;
  const auto next = [&] {
    seed = seed * 1664525 + 1013904223;
    return seed >> 16;
  };
  for (size_t i = 0; i < blocks; ++i) {
    std::string block;
    while (block.size() < type.bytes) {
      block += char(next());
    }
    for (const size_t half : type.halves) {
      // The greatest exponent means infinity.
      block[half + 1] = char(block[half + 1] & 0xbb);
    }
    bytes += block;
  }
  return bytes;
}

} // namespace lpgen::testing

#endif // LPGEN_TESTS_UNIT_GGUFTESTING_H
