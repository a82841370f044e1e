// flock.
#include "base/system/FileLock.h"
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

namespace lpgen {

static Status failure(const std::string &path) {
  return Status::error("cannot lock '" + path +
                       "': " + std::strerror(errno)); // NOLINT(concurrency-*)
}

Result<FileLock> FileLock::open(const std::string &path) {
  const int descriptor =
      ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
  return descriptor < 0 ? Result<FileLock>(failure(path))
                        : Result<FileLock>(FileLock(descriptor));
}

Result<FileLock> FileLock::wait(const std::string &path) {
  Result<FileLock> lock = open(path);
  LPGEN_RETURN_IF_ERROR(lock.status());
  while (::flock(lock->descriptor, LOCK_EX) != 0) {
    if (errno != EINTR) {
      return failure(path);
    }
  }
  return lock;
}

Result<std::optional<FileLock>> FileLock::attempt(const std::string &path) {
  Result<FileLock> lock = open(path);
  LPGEN_RETURN_IF_ERROR(lock.status());
  if (::flock(lock->descriptor, LOCK_EX | LOCK_NB) == 0) {
    return std::optional(std::move(*lock));
  }
  return errno == EWOULDBLOCK
             ? Result<std::optional<FileLock>>(std::optional<FileLock>())
             : failure(path);
}

FileLock::~FileLock() {
  if (descriptor >= 0) {
    ::close(descriptor);
  }
}

} // namespace lpgen
