// Bytes in little-endian order, whatever the machine.
#include "networks/PackedNetwork.h"
#include "base/system/Digest.h"
#include "networks/NetworkText.h"
#include <algorithm>
#include <bit>

namespace lpgen::networks {

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
  /// The codes of values of a type, `bits` each, the first in the low bits.
  void putPacked(const std::vector<int32_t> &values, const ElementType &type) {
    uint64_t pending = 0;
    unsigned count = 0;
    for (const int32_t value : values) {
      pending |= uint64_t(int64_t(value) - type.minValue()) /
                     (type.encoding == Encoding::Bipolar ? 2 : 1)
                 << count;
      for (count += type.bits; count >= 8; count -= 8, pending >>= 8) {
        content.push_back(char(pending & 0xff));
      }
    }
    if (count > 0) {
      content.push_back(char(pending & 0xff));
    }
  }
  std::string content;
};

/// Memory of values: one that is read no more leaves its place to others.
struct Places {
  std::vector<int> ofValue;    ///< By value.
  std::vector<uint64_t> bytes; ///< By place, for a whole call.
};

} // namespace

static uint64_t bytesOf(const Value &value, int64_t images) {
  return uint64_t(value.elements) * value.bytes *
         uint64_t(value.isScalar ? 1 : images);
}

static Places assignPlaces(const Network &network) {
  std::vector<size_t> lastRead(network.values.size(), 0);
  for (size_t i = 0; i < network.stages.size(); ++i) {
    for (const Input &input : network.stages[i].inputs) {
      if (input.value >= 0) {
        lastRead[size_t(input.value)] = i;
      }
    }
  }
  Places places;
  places.ofValue.assign(network.values.size(), -1);
  std::vector<int> owner; // The value in a place, or -1.
  const auto place = [&](int value) {
    const auto free = std::ranges::find(owner, -1);
    const auto at = size_t(free - owner.begin());
    if (free == owner.end()) {
      owner.push_back(value);
      places.bytes.push_back(0);
    } else {
      *free = value;
    }
    places.ofValue[size_t(value)] = int(at);
    places.bytes[at] =
        std::max(places.bytes[at],
                 bytesOf(network.values[size_t(value)], network.imagesPerCall));
  };
  place(0);
  for (size_t i = 0; i < network.stages.size(); ++i) {
    place(network.stages[i].output); // Beside the inputs, not over them.
    for (int &value : owner) {
      const bool isRead = value >= 0 && lastRead[size_t(value)] > i;
      value = isRead || value == network.stages[i].output ? value : -1;
    }
  }
  return places;
}

/// What stands before the content of a buffer in the file.
enum BufferKind : uint32_t { OfValue = 0, OfWeights = 1, OfFloats = 2 };

static void putInput(Bytes &bytes, const Input &input, const Places &places) {
  if (input.value >= 0) {
    bytes.put(uint32_t(OfValue));
    bytes.put(uint32_t(places.ofValue[size_t(input.value)]));
  } else if (!input.weights.empty()) {
    const ElementType &type = input.tensor.type;
    bytes.put(uint32_t(OfWeights));
    bytes.put(uint32_t(input.weights.size()));
    bytes.put(uint32_t(type.bits));
    bytes.put(int32_t(type.minValue()));
    bytes.put(uint32_t(type.encoding == Encoding::Bipolar ? 2 : 1));
    bytes.put(uint32_t(type.storageBits() / 8));
    bytes.putPacked(input.weights, type);
  } else {
    bytes.put(uint32_t(OfFloats));
    bytes.putFloats(input.floats);
  }
}

static void putTable(Bytes &bytes, const Network &network) {
  const unsigned size = network.tableType.storageBits() / 8;
  bytes.put(uint32_t(size));
  for (const float value : network.floats) {
    bytes.put(std::bit_cast<uint32_t>(value));
  }
  for (const int32_t code : network.codes) {
    if (size == 1) {
      bytes.put(uint8_t(code));
    } else {
      bytes.put(uint16_t(code));
    }
  }
}

std::string packNetwork(const Network &network) {
  const Places places = assignPlaces(network);
  Bytes bytes;
  bytes.content = "LPGENNET";
  bytes.put(uint32_t{2}); // Version.
  bytes.put(uint32_t(network.height));
  bytes.put(uint32_t(network.width));
  bytes.put(uint32_t(network.channels));
  bytes.put(uint32_t(network.classes));
  bytes.put(uint32_t(network.imagesPerCall));
  bytes.put(uint32_t(places.bytes.size()));
  for (const uint64_t size : places.bytes) {
    bytes.put(size);
  }
  putTable(bytes, network);
  bytes.put(uint32_t(network.stages.size()));
  for (const Stage &stage : network.stages) {
    bytes.putText(operatorName(stage));
    bytes.put(uint32_t(stage.inputs.size() + 1));
    for (const Input &input : stage.inputs) {
      putInput(bytes, input, places);
    }
    bytes.put(uint32_t(OfValue));
    bytes.put(uint32_t(places.ofValue[size_t(stage.output)]));
  }
  const uint64_t digest = extendDigest(emptyDigest, bytes.content);
  bytes.put(digest);
  return std::move(bytes.content);
}

} // namespace lpgen::networks
