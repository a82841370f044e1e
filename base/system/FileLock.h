// One writer at a time: an advisory lock on a file, which the system takes back
// when its process ends, however that ends.
#ifndef LPGEN_BASE_SYSTEM_FILELOCK_H
#define LPGEN_BASE_SYSTEM_FILELOCK_H

#include "base/system/Status.h"
#include <optional>
#include <utility>

namespace lpgen {

class FileLock {
public:
  /// Makes the file `path` if it is not there, and waits until it is this
  /// process's.
  static Result<FileLock> wait(const std::string &path);
  /// The same without waiting: nothing if another process has it.
  static Result<std::optional<FileLock>> attempt(const std::string &path);

  ~FileLock();
  FileLock(FileLock &&other) noexcept
      : descriptor(std::exchange(other.descriptor, -1)) {}
  FileLock &operator=(FileLock &&other) noexcept {
    std::swap(descriptor, other.descriptor);
    return *this;
  }

private:
  explicit FileLock(int descriptor) : descriptor(descriptor) {}
  static Result<FileLock> open(const std::string &path);

  int descriptor;
};

} // namespace lpgen

#endif // LPGEN_BASE_SYSTEM_FILELOCK_H
