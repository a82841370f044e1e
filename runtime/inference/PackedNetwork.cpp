// Bytes in little-endian order, whatever the machine.
#include "runtime/inference/PackedNetwork.h"
#include "runtime/core/Digest.h"
#include "runtime/inference/NetworkText.h"
#include <bit>

namespace lpgen::inference {

namespace {

class Bytes {
public:
  template <typename T>
  void put(T value) {
    auto bits = uint64_t(value);
    for (size_t i = 0; i < sizeof(T); ++i, bits >>= 8) {
      content.push_back(char(bits & 0xff));
    }
  }
  void putText(const std::string &text) {
    put(uint32_t(text.size()));
    content += text;
  }
  void putFloats(const std::vector<float> &values) {
    put(uint32_t(values.size()));
    for (const float value : values) {
      put(std::bit_cast<uint32_t>(value));
    }
  }
  /// `bits` of each value - lowest, the first in the low bits.
  void putPacked(const std::vector<int32_t> &values, int32_t lowest,
                 unsigned bits) {
    uint64_t pending = 0;
    unsigned count = 0;
    for (const int32_t value : values) {
      pending |= uint64_t(int64_t(value) - lowest) << count;
      for (count += bits; count >= 8; count -= 8, pending >>= 8) {
        content.push_back(char(pending & 0xff));
      }
    }
    if (count > 0) {
      content.push_back(char(pending & 0xff));
    }
  }
  std::string content;
};

} // namespace

static void putStage(Bytes &bytes, const Stage &stage) {
  bytes.putText(operatorName(stage));
  bytes.put(uint32_t(stage.outputSize()));
  bytes.put(uint32_t(stage.output ? 1 : 4));
  bytes.put(uint32_t(stage.weights.size()));
  if (!stage.weights.empty()) {
    const unsigned bits = typeOf(stage.weight).bits;
    // The range of the type begins at the grid's end or before it.
    const auto lowest = int32_t(typeOf(stage.weight).minValue());
    bytes.put(uint32_t(bits));
    bytes.put(lowest);
    bytes.putPacked(stage.weights, lowest, bits);
  }
  bytes.put(uint32_t(stage.floats.size()));
  for (const FloatInput &input : stage.floats) {
    bytes.putFloats(input.values);
  }
}

std::string packNetwork(const Network &network) {
  Bytes bytes;
  bytes.content = "LPGENNET";
  bytes.put(uint32_t{1}); // Version.
  bytes.put(uint32_t(network.height));
  bytes.put(uint32_t(network.width));
  bytes.put(uint32_t(network.channels));
  bytes.put(uint32_t(network.classes));
  bytes.put(uint32_t(imagesPerCall));
  bytes.put(uint32_t(network.stages.size()));
  for (const int32_t code : network.table) {
    bytes.put(uint8_t(code));
  }
  for (const Stage &stage : network.stages) {
    putStage(bytes, stage);
  }
  const uint64_t digest = extendDigest(emptyDigest, bytes.content);
  bytes.put(digest);
  return std::move(bytes.content);
}

} // namespace lpgen::inference
