// Header, metadata, descriptions of tensors, and where their data lies.
#include "networks/import/gguf/GgufFile.h"
#include "base/system/Text.h"
#include "base/tensor/Tensor.h"
#include "networks/import/gguf/ByteReader.h"
#include <algorithm>
#include <array>

namespace lpgen::importer::gguf {

namespace {
/// The types of metadata that are more than a number.
enum ValueType : uint32_t { UInt32 = 4, String = 8, Array = 9, Types = 13 };
/// Bytes of the others.
constexpr std::array<uint64_t, Types> valueBytes = {1, 1, 2, 2, 4, 4, 4,
                                                    1, 0, 0, 8, 8, 8};
constexpr unsigned mostNested = 8; ///< Arrays in arrays.

struct Metadata {
  uint64_t alignment = 32;
  std::string architecture;
  std::string title;
};
} // namespace

int64_t GgufTensor::numElements() const {
  return countElements(shape).value_or(0);
}

std::string GgufTensor::typeName() const {
  return format ? format->name : "type " + std::to_string(type);
}

const GgufTensor *GgufFile::find(const std::string &name) const {
  const auto found = std::ranges::find_if(
      tensors, [&](const GgufTensor &tensor) { return tensor.name == name; });
  return found == tensors.end() ? nullptr : &*found;
}

/// "tensor 'x' (at byte 100)"
static std::string placeOf(const GgufTensor &tensor) {
  return "tensor " + quotedForMessage(tensor.name) + " (at byte " +
         std::to_string(tensor.place) + ")";
}

static void skipValue(ByteReader &reader, uint32_t type, unsigned depth) {
  if (type >= Types) {
    reader.fail("it is damaged: at byte " + std::to_string(reader.at()) +
                ", a value has the type " + std::to_string(type) +
                ", expected 0 to 12");
  } else if (type == String) {
    reader.string("a string");
  } else if (type != Array) {
    reader.skip(valueBytes[type], "a value");
  } else if (depth == mostNested) {
    reader.fail("at byte " + std::to_string(reader.at()) +
                ", arrays of metadata are nested more than " +
                std::to_string(mostNested) +
                " deep; leave this metadata out of the file");
  } else {
    const auto elementType = reader.number<uint32_t>("the type of an array");
    const auto count = reader.number<uint64_t>("the length of an array");
    if (elementType < Types && valueBytes[elementType] != 0) {
      if (reader.holds(count, valueBytes[elementType], "an array")) {
        reader.skip(count * valueBytes[elementType], "an array");
      }
      return;
    }
    // A string has its length, an array its type and its length.
    if (reader.holds(count, elementType == Array ? 12 : 8, "an array")) {
      for (uint64_t i = 0; i < count && reader.ok(); ++i) {
        skipValue(reader, elementType, depth + 1);
      }
    }
  }
}

static void readValue(ByteReader &reader, std::string_view key, uint32_t type,
                      Metadata &metadata) {
  const uint64_t place = reader.at();
  if (key == "general.alignment") {
    if (type == UInt32) {
      metadata.alignment = reader.number<uint32_t>("the alignment");
    }
    if (type != UInt32 || metadata.alignment == 0 ||
        metadata.alignment % 8 != 0) {
      reader.fail("at byte " + std::to_string(place) +
                  ", 'general.alignment' is no 32-bit number that is a "
                  "multiple of 8; convert the model again");
    }
  } else if (type == String && key == "general.architecture") {
    metadata.architecture = reader.string("the architecture");
  } else if (type == String && key == "general.name") {
    metadata.title = reader.string("the name");
  } else {
    skipValue(reader, type, 0);
  }
}

static Metadata readMetadata(ByteReader &reader, uint64_t count) {
  Metadata metadata;
  std::vector<std::string_view> keys;
  if (!reader.holds(count, 13, "the metadata")) {
    return metadata;
  }
  for (uint64_t i = 0; i < count && reader.ok(); ++i) {
    keys.push_back(reader.string("the key of a value"));
    const auto type = reader.number<uint32_t>("the type of a value");
    if (reader.ok()) {
      readValue(reader, keys.back(), type, metadata);
    }
  }
  std::ranges::sort(keys);
  const auto twice = std::ranges::adjacent_find(keys);
  if (twice != keys.end()) {
    reader.fail("the metadata has the key " + quotedForMessage(*twice) +
                " twice; convert the model again");
  }
  return metadata;
}

/// What is wrong with a tensor by itself.
static std::string faultOf(const GgufTensor &tensor) {
  if (std::ranges::any_of(tensor.shape, [](int64_t e) { return e < 1; })) {
    return "an extent of " + shapeToString(tensor.shape) +
           " is not positive or has 64 bits";
  }
  if (!countElements(tensor.shape)) {
    return "its " + shapeToString(tensor.shape) +
           " elements are too many for 64 bits";
  }
  const int64_t row = tensor.shape.empty() ? 1 : tensor.shape.back();
  if (tensor.format && row % tensor.format->elements != 0) {
    return "its rows of " + std::to_string(row) +
           " elements are no whole blocks of " + tensor.typeName() +
           ", which have " + std::to_string(tensor.format->elements);
  }
  return "";
}

static GgufTensor readTensor(ByteReader &reader) {
  GgufTensor tensor;
  tensor.place = reader.at();
  tensor.name = reader.string("the name of a tensor");
  const auto rank = reader.number<uint32_t>("the rank of a tensor");
  if (rank > 4) {
    reader.fail(placeOf(tensor) + " has " + std::to_string(rank) +
                " dimensions, expected 4 at most; convert the model again");
  }
  for (uint32_t d = 0; d < rank && reader.ok(); ++d) {
    tensor.shape.push_back(
        int64_t(reader.number<uint64_t>("the shape of a tensor")));
  }
  std::ranges::reverse(tensor.shape);
  tensor.type = reader.number<uint32_t>("the type of a tensor");
  tensor.format = findFormat(tensor.type);
  tensor.offset = reader.number<uint64_t>("the offset of a tensor");
  if (const std::string fault = reader.ok() ? faultOf(tensor) : "";
      !fault.empty()) {
    reader.fail(placeOf(tensor) + ": " + fault + "; convert the model again");
  }
  return tensor;
}

static void refuseEqualNames(ByteReader &reader,
                             const std::vector<GgufTensor> &tensors) {
  std::vector<std::pair<std::string_view, const GgufTensor *>> sorted;
  sorted.reserve(tensors.size());
  for (const GgufTensor &tensor : tensors) {
    sorted.emplace_back(tensor.name, &tensor);
  }
  std::ranges::sort(sorted);
  const auto twice = std::ranges::adjacent_find(
      sorted, [](const auto &a, const auto &b) { return a.first == b.first; });
  if (twice != sorted.end()) {
    reader.fail(placeOf(*twice[1].second) + " has the name of that at byte " +
                std::to_string(twice[0].second->place) +
                "; convert the model again");
  }
}

namespace {
/// Where the data of tensors lies.
struct DataSection {
  std::span<const std::byte> bytes; ///< Of the file.
  uint64_t start = 0;
  uint64_t alignment = 32;
  const GgufTensor *before = nullptr; ///< The last one that was placed.

  Status place(GgufTensor &tensor);
};
} // namespace

Status DataSection::place(GgufTensor &tensor) {
  const std::string at = std::to_string(tensor.offset);
  if (tensor.offset % alignment != 0) {
    return Status::error(placeOf(tensor) + " has its data at " + at +
                         ", which is no multiple of the alignment " +
                         std::to_string(alignment) +
                         "; convert the model again");
  }
  const uint64_t end = before ? before->offset + before->data.size() : 0;
  if (tensor.offset < end) {
    return Status::error(
        placeOf(tensor) + " has its data at " + at + ", inside that of " +
        placeOf(*before) + ", which is of " + before->typeName() +
        " and ends at " + std::to_string(end) +
        "; a variant of llama.cpp may give the type another size");
  }
  const BlockFormat *format = tensor.format;
  const auto blocks =
      format ? uint64_t(tensor.numElements() / format->elements) : 0;
  const uint64_t size = bytes.size() < start ? 0 : bytes.size() - start;
  const uint64_t left = tensor.offset > size ? 0 : size - tensor.offset;
  if (tensor.offset > size ||
      (format && blocks > left / uint64_t(format->bytes))) {
    return Status::error("it is cut short: the data of " + placeOf(tensor) +
                         ", at byte " + std::to_string(start) + " + " + at +
                         ", needs more than the " + std::to_string(left) +
                         " bytes that follow; download it again");
  }
  if (format) {
    tensor.data =
        bytes.subspan(start + tensor.offset, blocks * uint64_t(format->bytes));
    before = &tensor;
  }
  return Status::success();
}

/// Gives the tensors their data, in the order in which it lies.
static Status placeData(std::vector<GgufTensor> &tensors, DataSection section) {
  std::vector<std::pair<uint64_t, GgufTensor *>> sorted;
  sorted.reserve(tensors.size());
  for (GgufTensor &tensor : tensors) {
    sorted.emplace_back(tensor.offset, &tensor);
  }
  std::ranges::sort(sorted);
  for (const auto &[offset, tensor] : sorted) {
    LPGEN_RETURN_IF_ERROR(section.place(*tensor));
  }
  return Status::success();
}

Result<GgufFile> readGguf(std::span<const std::byte> bytes) {
  ByteReader reader(bytes);
  reader.skip(4, "the header");
  GgufFile file;
  file.version = reader.number<uint32_t>("the version");
  if (reader.ok() && file.version != 2 && file.version != 3) {
    reader.fail(
        (file.version & 0xffff) == 0
            ? std::string("its numbers are big endian; convert the model on a "
                          "little-endian machine")
            : "at byte 4, the version of the format is " +
                  std::to_string(file.version) +
                  ", expected 2 or 3; convert the model again");
  }
  const auto tensors = reader.number<uint64_t>("the number of tensors");
  const auto values = reader.number<uint64_t>("the number of values");
  const Metadata metadata = readMetadata(reader, values);
  file.architecture = metadata.architecture;
  file.title = metadata.title;
  if (reader.holds(tensors, 24, "the list of tensors")) {
    for (uint64_t i = 0; i < tensors && reader.ok(); ++i) {
      file.tensors.push_back(readTensor(reader));
    }
  }
  refuseEqualNames(reader, file.tensors);
  LPGEN_RETURN_IF_ERROR(reader.status());
  const uint64_t tail = reader.at() % metadata.alignment;
  const uint64_t start = reader.at() + (tail ? metadata.alignment - tail : 0);
  LPGEN_RETURN_IF_ERROR(
      placeData(file.tensors, {bytes, start, metadata.alignment}));
  return file;
}

} // namespace lpgen::importer::gguf
