// Reads the numbers and strings of a GGUF file one after the other. The first
// thing that is wrong stands; after it everything reads as 0.
#ifndef LPGEN_NETWORKS_IMPORT_GGUF_BYTEREADER_H
#define LPGEN_NETWORKS_IMPORT_GGUF_BYTEREADER_H

#include "base/system/Status.h"
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

namespace lpgen::importer::gguf {

/// Numbers are little endian, as are the machines that lpgen runs on.
static_assert(std::endian::native == std::endian::little);

class ByteReader {
public:
  explicit ByteReader(std::span<const std::byte> bytes) : content(bytes) {}

  /// `what` it is, for a message: "the number of tensors".
  template <typename T>
  T number(const char *what) {
    T value = {};
    if (take(sizeof(T), what)) {
      std::memcpy(&value, content.data() + position - sizeof(T), sizeof(T));
    }
    return value;
  }
  /// A length and as many bytes, borrowed.
  std::string_view string(const char *what);
  /// True if `count` things of at least `each` bytes can follow.
  bool holds(uint64_t count, uint64_t each, const char *what);
  void skip(uint64_t count, const char *what) { take(count, what); }

  uint64_t at() const { return position; }
  uint64_t left() const { return content.size() - position; }
  bool ok() const { return outcome.ok(); }
  const Status &status() const { return outcome; }
  /// `reason` is a clause about the file, with its place.
  void fail(const std::string &reason);

private:
  bool take(uint64_t count, const char *what);

  std::span<const std::byte> content;
  uint64_t position = 0;
  Status outcome;
};

} // namespace lpgen::importer::gguf

#endif // LPGEN_NETWORKS_IMPORT_GGUF_BYTEREADER_H
