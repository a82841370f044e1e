// A flexbuffer ends in its root, the root's type and the root's width. A map is
// a vector of values, then of their types; before it stand its size, the width
// of its keys and the distance back to them. Keys are distances back to texts.
#include "networks/import/tflite/FlexBuffer.h"
#include <cstring>

namespace lpgen::importer::tflite {

namespace {
/// Codes of types, in the upper six bits; the lower two are a width.
enum FlexType : unsigned {
  FlexInt = 1,
  FlexUInt = 2,
  FlexMap = 9,
  FlexBool = 26
};

class FlexReader {
public:
  explicit FlexReader(std::span<const std::byte> bytes) : bytes(bytes) {}

  /// The unsigned number at a place; 0 outside.
  uint64_t number(uint64_t at, unsigned width) {
    uint64_t value = 0;
    if (width > sizeof(value) || at > bytes.size() ||
        width > bytes.size() - at) {
      isDamaged = true;
      return 0;
    }
    std::memcpy(&value, bytes.data() + at, width);
    return value;
  }
  /// With its sign.
  int64_t integer(uint64_t at, unsigned width) {
    const unsigned unused = 64 - 8 * width;
    return static_cast<int64_t>(number(at, width) << unused) >> unused;
  }
  /// The text that ends in a 0.
  std::string text(uint64_t at) {
    std::string result;
    while (at < bytes.size() && bytes[at] != std::byte{0}) {
      result += static_cast<char>(bytes[at++]);
    }
    isDamaged |= at >= bytes.size();
    return result;
  }
  /// The place that a distance at another place leads back to.
  uint64_t back(uint64_t at, unsigned width) {
    const uint64_t distance = number(at, width);
    isDamaged |= distance > at;
    return distance > at ? 0 : at - distance;
  }

  std::span<const std::byte> bytes;
  bool isDamaged = false;
};
} // namespace

static constexpr bool isWidth(uint64_t width) {
  return width == 1 || width == 2 || width == 4 || width == 8;
}

std::optional<std::map<std::string, int64_t>>
readFlexIntegers(std::span<const std::byte> bytes) {
  constexpr size_t least = 3, most = 1 << 16, mostKeys = 64;
  if (bytes.size() < least || bytes.size() > most) {
    return std::nullopt;
  }
  FlexReader reader(bytes);
  const uint64_t end = bytes.size();
  const auto rootWidth = static_cast<unsigned>(reader.number(end - 1, 1));
  const auto rootType = static_cast<unsigned>(reader.number(end - 2, 1));
  if (!isWidth(rootWidth) || end < 2 + rootWidth || rootType >> 2 != FlexMap) {
    return std::nullopt;
  }
  const unsigned width = 1U << (rootType & 3);
  const uint64_t values = reader.back(end - 2 - rootWidth, rootWidth);
  if (values < uint64_t{3} * width) {
    return std::nullopt;
  }
  const uint64_t count = reader.number(values - width, width);
  const uint64_t keyWidth = reader.number(values - uint64_t{2} * width, width);
  const uint64_t keys = reader.back(values - uint64_t{3} * width, width);
  if (reader.isDamaged || count > mostKeys || !isWidth(keyWidth)) {
    return std::nullopt;
  }
  std::map<std::string, int64_t> result;
  for (uint64_t i = 0; i < count && !reader.isDamaged; ++i) {
    const std::string key = reader.text(
        reader.back(keys + i * keyWidth, static_cast<unsigned>(keyWidth)));
    const uint64_t type = reader.number(values + count * width + i, 1) >> 2;
    if (type == FlexInt || type == FlexBool) {
      result[key] = reader.integer(values + i * width, width);
    } else if (type == FlexUInt) {
      result[key] =
          static_cast<int64_t>(reader.number(values + i * width, width));
    }
  }
  return reader.isDamaged ? std::nullopt : std::optional(result);
}

} // namespace lpgen::importer::tflite
