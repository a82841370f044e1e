// safetensors files. See Safetensors.h.
#include "base/tensor/Safetensors.h"
#include "base/system/Text.h"
#include <algorithm>
#include <cstring>

namespace lpgen {
namespace {

constexpr size_t lengthBytes = 8;
/// As in the format's own library.
constexpr uint64_t maxHeaderBytes = 100'000'000;

/// The elements of an entry have the bytes that its shape needs. Those of types
/// that are not read are not known.
Status checkEntry(const SafetensorsEntry &entry, uint64_t dataBytes) {
  const std::string name = "tensor " + quotedForMessage(entry.name);
  const std::string offsets = "[" + std::to_string(entry.begin) + ", " +
                              std::to_string(entry.end) + "]";
  if (entry.begin > entry.end || uint64_t(entry.end) > dataBytes) {
    return Status::error("the data_offsets " + offsets + " of " + name +
                         " lie outside its " + std::to_string(dataBytes) +
                         " bytes of elements");
  }
  const std::optional<StoredType> type = parseStoredType(entry.dtype);
  if (!type) {
    return Status::success();
  }
  int64_t bytes = 0;
  const std::optional<int64_t> count = countElements(entry.shape);
  if (!count || __builtin_mul_overflow(*count, storedBytes(*type), &bytes) ||
      bytes != entry.end - entry.begin) {
    return Status::error("the data_offsets " + offsets + " of " + name +
                         " are not as far apart as its shape " +
                         shapeToString(entry.shape) + " of " + entry.dtype +
                         " needs");
  }
  return Status::success();
}

/// Every byte belongs to one tensor.
Status checkCover(std::span<const SafetensorsEntry> entries,
                  uint64_t dataBytes) {
  std::vector<const SafetensorsEntry *> ordered;
  for (const SafetensorsEntry &entry : entries) {
    ordered.push_back(&entry);
  }
  std::ranges::sort(ordered, {}, [](const SafetensorsEntry *entry) {
    return std::pair(entry->begin, entry->end);
  });
  int64_t covered = 0;
  for (const SafetensorsEntry *entry : ordered) {
    if (entry->begin != covered) {
      return Status::error(
          (entry->begin < covered ? "the elements of tensor "
                                  : "bytes of no tensor lie before tensor ") +
          quotedForMessage(entry->name) +
          (entry->begin < covered ? " overlap those of another one" : ""));
    }
    covered = entry->end;
  }
  if (uint64_t(covered) != dataBytes) {
    return Status::error("bytes of no tensor lie at its end");
  }
  return Status::success();
}

/// "; it has 'a', 'b' and 5 more".
std::string
listNames(const std::map<std::string, SafetensorsEntry, std::less<>> &entries) {
  constexpr size_t most = 5;
  if (entries.empty()) {
    return "; it has none";
  }
  std::string text;
  size_t shown = 0;
  for (const auto &[name, entry] : entries) {
    if (shown == most) {
      return "; it has " + text + " and " +
             std::to_string(entries.size() - most) + " more";
    }
    text += (shown++ == 0 ? "" : ", ") + quotedForMessage(name);
  }
  return "; it has " + text;
}

} // namespace

Result<SafetensorsView>
SafetensorsView::create(std::span<const std::byte> file) {
  uint64_t headerBytes = 0;
  if (file.size() < lengthBytes) {
    return Status::error("it ends inside the length of its header");
  }
  std::memcpy(&headerBytes, file.data(), lengthBytes);
  const uint64_t rest = file.size() - lengthBytes;
  if (headerBytes > maxHeaderBytes || headerBytes > rest) {
    return Status::error("its header claims " + std::to_string(headerBytes) +
                         " bytes; the file has " + std::to_string(rest) +
                         " behind the length, and 100000000 is the limit");
  }
  const std::string_view text(
      reinterpret_cast<const char *>(file.data()) + lengthBytes, headerBytes);
  Result<std::vector<SafetensorsEntry>> entries = parseSafetensorsHeader(text);
  if (!entries.ok()) {
    return Status::error("its header is wrong: " + entries.message());
  }
  SafetensorsView view;
  view.data = file.subspan(lengthBytes + headerBytes);
  for (const SafetensorsEntry &entry : *entries) {
    LPGEN_RETURN_IF_ERROR(checkEntry(entry, view.data.size()));
  }
  LPGEN_RETURN_IF_ERROR(checkCover(*entries, view.data.size()));
  for (SafetensorsEntry &entry : *entries) {
    std::string name = entry.name;
    view.entries.emplace(std::move(name), std::move(entry));
  }
  return view;
}

Result<HostTensor> SafetensorsView::read(const std::string &name,
                                         ElementType type,
                                         std::span<const int64_t> shape) const {
  const auto found = entries.find(name);
  if (found == entries.end()) {
    return Status::error("there is no such tensor" + listNames(entries));
  }
  const SafetensorsEntry &entry = found->second;
  const std::optional<StoredType> stored = parseStoredType(entry.dtype);
  if (!stored) {
    return Status::error(
        "its dtype is " + quotedForMessage(entry.dtype) + ", expected " +
        (type.isFloat() ? "F32, F16 or BF16" : "I8 to I64 or U8 to U64") +
        "; convert it before saving");
  }
  if (!std::ranges::equal(entry.shape, shape)) {
    return Status::error("its shape is " + shapeToString(entry.shape) +
                         ", expected " + shapeToString(shape));
  }
  return convertStored(
      {*stored, entry.shape,
       data.subspan(size_t(entry.begin), size_t(entry.end - entry.begin))},
      type);
}

Result<SafetensorsFile> SafetensorsFile::open(const std::string &path) {
  Result<MappedFile> file = MappedFile::open(path);
  if (!file.ok()) {
    return Status::error("cannot read '" + path + "': " + file.message());
  }
  Result<SafetensorsView> view = SafetensorsView::create(file->bytes());
  if (!view.ok()) {
    return Status::error("'" + path +
                         "' is not a safetensors file that can be read: " +
                         view.message() + "; write it again");
  }
  return SafetensorsFile(path, std::move(*file), std::move(*view));
}

Result<HostTensor> SafetensorsFile::read(const std::string &name,
                                         ElementType type,
                                         std::span<const int64_t> shape) const {
  Result<HostTensor> values = view.read(name, type, shape);
  if (!values.ok()) {
    return Status::error("tensor " + quotedForMessage(name) + " of '" + path +
                         "': " + values.message());
  }
  return values;
}

} // namespace lpgen
