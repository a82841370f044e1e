// A whole file in memory. See MappedFile.h.
#include "base/system/MappedFile.h"
#include "base/system/SystemError.h"
#include <cerrno>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace lpgen {

namespace {
/// Closed at the end of its scope; a mapping does not need it.
struct Descriptor {
  int number;
  ~Descriptor() {
    if (number >= 0) {
      ::close(number);
    }
  }
};
} // namespace

Result<MappedFile> MappedFile::open(const std::string &path) {
  // Without O_NONBLOCK a pipe would wait for its writer.
  const Descriptor file{
      ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  struct stat facts = {};
  if (file.number < 0 || ::fstat(file.number, &facts) != 0) {
    return Status::error(describeSystemError(errno));
  }
  if (!S_ISREG(facts.st_mode)) {
    return Status::error("it is not a regular file");
  }
  MappedFile result;
  const auto size = size_t(facts.st_size);
  if (size == 0) {
    return result; // nothing can be mapped
  }
  void *start = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.number, 0);
  if (start == MAP_FAILED) {
    return Status::error(describeSystemError(errno));
  }
  result.content = {static_cast<const std::byte *>(start), size};
  return result;
}

MappedFile::MappedFile(MappedFile &&other) noexcept
    : content(std::exchange(other.content, {})) {}

MappedFile &MappedFile::operator=(MappedFile &&other) noexcept {
  std::swap(content, other.content);
  return *this;
}

MappedFile::~MappedFile() {
  if (!content.empty()) {
    ::munmap(const_cast<std::byte *>(content.data()), content.size());
  }
}

} // namespace lpgen
