// A whole file in memory, read-only, mapped.
#ifndef LPGEN_BASE_SYSTEM_MAPPEDFILE_H
#define LPGEN_BASE_SYSTEM_MAPPEDFILE_H

#include "base/system/Status.h"
#include <cstddef>
#include <span>
#include <string>

namespace lpgen {

/// The bytes are those of the file as long as nobody cuts it short.
class MappedFile {
public:
  /// Maps a regular file. The message of an error says why, without the path.
  static Result<MappedFile> open(const std::string &path);
  MappedFile(MappedFile &&other) noexcept;
  MappedFile &operator=(MappedFile &&other) noexcept;
  ~MappedFile();

  std::span<const std::byte> bytes() const { return content; }

private:
  MappedFile() = default;
  std::span<const std::byte> content;
};

} // namespace lpgen

#endif // LPGEN_BASE_SYSTEM_MAPPEDFILE_H
