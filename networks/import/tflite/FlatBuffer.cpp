// Checked access to flatbuffers.
#include "networks/import/tflite/FlatBuffer.h"

namespace lpgen::importer::tflite {

void FlatFile::fail(const std::string &reason) {
  if (damage.empty()) {
    damage = reason;
  }
}

bool FlatFile::holds(uint64_t at, uint64_t size) {
  if (at > content.size() || size > content.size() - at) {
    fail("it refers to byte " + std::to_string(at) + " of " +
         std::to_string(content.size()));
    return false;
  }
  return !isDamaged();
}

bool FlatFile::spend(uint64_t size) {
  if (size > budget) {
    fail("its tables share their parts too often");
  } else {
    budget -= size;
  }
  return !isDamaged();
}

std::string_view FlatFile::identifier() const {
  constexpr size_t at = 4, size = 4;
  return content.size() < at + size
             ? std::string_view()
             : std::string_view(
                   reinterpret_cast<const char *>(content.data()) + at, size);
}

FlatTable FlatFile::root() { return {*this, load<uint32_t>(0)}; }

/// A table begins with the distance back to the list of where its fields are;
/// the list begins with its own size and that of the table.
FlatTable::FlatTable(FlatFile &file, uint64_t at) : file(&file), start(at) {
  constexpr unsigned headBytes = 4;
  const int64_t list =
      static_cast<int64_t>(at) - static_cast<int64_t>(file.load<int32_t>(at));
  if (!file.spend(headBytes) || list < 0) {
    file.fail("a table lies before its beginning");
    return;
  }
  const unsigned listBytes = file.load<uint16_t>(static_cast<uint64_t>(list));
  if (listBytes > headBytes &&
      file.holds(static_cast<uint64_t>(list), listBytes)) {
    fields = static_cast<uint64_t>(list) + headBytes;
    fieldCount = (listBytes - headBytes) / sizeof(uint16_t);
  }
}

uint64_t FlatTable::position(unsigned field) const {
  if (field >= fieldCount) {
    return 0;
  }
  const auto offset = file->load<uint16_t>(fields + field * sizeof(uint16_t));
  return offset == 0 ? 0 : start + offset;
}

uint64_t FlatTable::target(unsigned field) const {
  const uint64_t at = position(field);
  return at == 0 ? 0 : at + file->load<uint32_t>(at);
}

std::optional<FlatTable> FlatTable::table(unsigned field) const {
  const uint64_t at = target(field);
  return at == 0 ? std::nullopt : std::optional(FlatTable(*file, at));
}

std::span<const std::byte> FlatTable::bytes(unsigned field,
                                            unsigned elementBytes) const {
  const uint64_t at = target(field);
  if (at == 0) {
    return {};
  }
  const uint64_t size =
      uint64_t{file->load<uint32_t>(at)} * uint64_t{elementBytes};
  const uint64_t first = at + sizeof(uint32_t);
  return file->holds(first, size) ? file->bytes().subspan(first, size)
                                  : std::span<const std::byte>();
}

std::string FlatTable::string(unsigned field) const {
  const std::span<const std::byte> text = bytes(field);
  return file->spend(text.size())
             ? std::string(reinterpret_cast<const char *>(text.data()),
                           text.size())
             : std::string();
}

std::vector<FlatTable> FlatTable::tables(unsigned field) const {
  const uint64_t first = target(field) + sizeof(uint32_t);
  const size_t count = bytes(field, sizeof(uint32_t)).size() / sizeof(uint32_t);
  std::vector<FlatTable> result;
  for (size_t i = 0; i < count && !file->isDamaged(); ++i) {
    const uint64_t at = first + i * sizeof(uint32_t);
    result.emplace_back(*file, at + file->load<uint32_t>(at));
  }
  return result;
}

} // namespace lpgen::importer::tflite
