// A temporary file beside the target, then rename.
#include "base/system/AtomicFile.h"
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <sstream>
#include <sys/stat.h>
#include <unistd.h>

namespace lpgen {

static Status failure(const std::string &path) {
  return Status::error("cannot write '" + path +
                       "': " + std::strerror(errno)); // NOLINT(concurrency-*)
}

static bool writeAll(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file, bytes.data(), bytes.size());
    if (written < 0 && errno != EINTR) {
      return false;
    }
    bytes.remove_prefix(written < 0 ? 0 : size_t(written));
  }
  return true;
}

Status writeFileAtomically(const std::string &path,
                           std::span<const std::string_view> parts) {
  std::string temporary = path + ".XXXXXX";
  const int file = ::mkstemp(temporary.data());
  if (file < 0) {
    return failure(path);
  }
  bool good = ::fchmod(file, 0644) == 0; // mkstemp's file is the owner's only.
  for (std::string_view part : parts) {
    good = good && writeAll(file, part);
  }
  good = good && ::fsync(file) == 0;
  good = (::close(file) == 0) && good;
  good = good && std::rename(temporary.c_str(), path.c_str()) == 0;
  if (!good) {
    const Status status = failure(path);
    ::unlink(temporary.c_str());
    return status;
  }
  return Status::success();
}

Status writeFileAtomically(const std::string &path, std::string_view content) {
  return writeFileAtomically(path, std::span(&content, 1));
}

Result<std::string> readWholeFile(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream content;
  // Inserting nothing is a failure to streams; a file may be empty.
  if (!file || (file.peek() != std::ifstream::traits_type::eof() &&
                !(content << file.rdbuf()))) {
    return Status::error("cannot read '" + path +
                         "': " + std::strerror(errno)); // NOLINT
  }
  return std::move(content).str();
}

} // namespace lpgen
