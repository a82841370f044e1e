// Writing of safetensors files. See SafetensorsWriter.h.
#include "base/tensor/SafetensorsWriter.h"
#include "base/tensor/Npy.h"
#include "base/tensor/StoredTensor.h"

namespace lpgen {

/// A string of JSON.
static std::string jsonString(const std::string &text) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string result = "\"";
  for (const char c : text) {
    if (const auto code = static_cast<unsigned char>(c); code < 0x20) {
      result += {'\\', 'u', '0', '0', digits[code / 16], digits[code % 16]};
    } else {
      result += (c == '"' || c == '\\' ? "\\" : "") + std::string(1, c);
    }
  }
  return result + "\"";
}

/// What stands before the elements.
static std::string headerOf(std::span<const NamedTensor> tensors) {
  std::string json = "{";
  int64_t begin = 0;
  for (const NamedTensor &tensor : tensors) {
    const int64_t end = begin + tensor.values->byteSize();
    json += (json.size() == 1 ? "" : ",") + jsonString(tensor.name) +
            ":{\"dtype\":\"" +
            storedTypeName(storedTypeOf(tensor.values->type())) +
            "\",\"shape\":" + shapeToString(tensor.values->shape()) +
            ",\"data_offsets\":[" + std::to_string(begin) + "," +
            std::to_string(end) + "]}";
    begin = end;
  }
  json += "}";
  json.append((8 - json.size() % 8) % 8, ' '); // the elements are aligned
  std::string length;
  for (unsigned byte = 0; byte < 8; ++byte) {
    length += static_cast<char>(json.size() >> (8 * byte));
  }
  return length + json;
}

void addSafetensors(OutputFiles &files, const std::string &folder,
                    const std::string &name,
                    std::span<const NamedTensor> tensors) {
  std::vector<std::string_view> elements;
  for (const NamedTensor &tensor : tensors) {
    elements.push_back(npyElements(*tensor.values));
  }
  files.addIn(folder, name, headerOf(tensors), std::move(elements));
}

} // namespace lpgen
