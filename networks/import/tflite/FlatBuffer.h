// Flatbuffers, read in place: tables of numbered fields that point at each
// other.
//
// A file is hostile until proved otherwise: each access is checked against its
// bytes, and what lies outside reads as missing and marks the file as damaged.
// Tables can point at the same bytes many times; the work is bounded by a
// multiple of the file, so that none is read for longer than its size excuses.
#ifndef LPGEN_NETWORKS_IMPORT_TFLITE_FLATBUFFER_H
#define LPGEN_NETWORKS_IMPORT_TFLITE_FLATBUFFER_H

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lpgen::importer::tflite {

class FlatTable;

/// The bytes of a file, borrowed, and whether they were found to be damaged.
class FlatFile {
public:
  explicit FlatFile(std::span<const std::byte> bytes)
      : content(bytes), budget(16 * bytes.size() + 65536) {}

  std::span<const std::byte> bytes() const { return content; }
  /// The four letters that tell formats apart.
  std::string_view identifier() const;
  FlatTable root();

  bool isDamaged() const { return !damage.empty(); }
  /// A clause about the file.
  const std::string &whatIsDamaged() const { return damage; }

  /// The number at a byte; 0 outside the file.
  template <typename T>
  T load(uint64_t at) {
    T value = {};
    if (holds(at, sizeof(T))) {
      std::memcpy(&value, content.data() + at, sizeof(T));
    }
    return value;
  }
  /// True if the file has these bytes and may still be read.
  bool holds(uint64_t at, uint64_t size);
  /// Takes `size` bytes from what may be read in all.
  bool spend(uint64_t size);
  /// Marks the file as damaged; `reason` is a clause about it.
  void fail(const std::string &reason);

private:
  std::span<const std::byte> content;
  uint64_t budget;
  std::string damage;
};

/// Numbers are little endian, as are the machines that lpgen runs on.
static_assert(std::endian::native == std::endian::little);

/// A table: its fields are optional, and have a default.
class FlatTable {
public:
  FlatTable(FlatFile &file, uint64_t at);

  template <typename T>
  T number(unsigned field, T missing = {}) const {
    const uint64_t at = position(field);
    return at == 0 ? missing : file->load<T>(at);
  }
  bool flag(unsigned field) const { return number<uint8_t>(field) != 0; }
  std::optional<FlatTable> table(unsigned field) const;
  std::string string(unsigned field) const;
  /// The bytes of a vector of `elementBytes` each.
  std::span<const std::byte> bytes(unsigned field,
                                   unsigned elementBytes = 1) const;
  template <typename T>
  std::vector<T> numbers(unsigned field) const {
    const std::span<const std::byte> raw = bytes(field, sizeof(T));
    if (!file->spend(raw.size())) {
      return {};
    }
    std::vector<T> values(raw.size() / sizeof(T));
    if (!values.empty()) {
      std::memcpy(values.data(), raw.data(), raw.size());
    }
    return values;
  }
  std::vector<FlatTable> tables(unsigned field) const;

private:
  /// Of a field in the file; 0 if the table does not have it.
  uint64_t position(unsigned field) const;
  /// What the offset in a field points at; 0 if there is none.
  uint64_t target(unsigned field) const;

  FlatFile *file;
  uint64_t start;
  uint64_t fields = 0;     ///< Where their offsets begin.
  unsigned fieldCount = 0; ///< That have an offset.
};

} // namespace lpgen::importer::tflite

#endif // LPGEN_NETWORKS_IMPORT_TFLITE_FLATBUFFER_H
