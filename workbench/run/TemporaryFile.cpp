// Temporary files, registered with LLVM's signal handlers, which hand on to
// those of base/system/Interruption.
#include "workbench/run/TemporaryFile.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Signals.h"
#include "llvm/Support/raw_ostream.h"
#include <utility>

namespace lpgen {

Result<TemporaryFile> TemporaryFile::create(llvm::StringRef suffix,
                                            llvm::StringRef contents) {
  int descriptor = -1;
  llvm::SmallString<128> path;
  if (std::error_code error = llvm::sys::fs::createTemporaryFile(
          "lpgen", suffix, descriptor, path)) {
    return Status::error("cannot create a temporary file: " + error.message() +
                         "; make its folder writable or set TMPDIR to another");
  }
  llvm::sys::RemoveFileOnSignal(path);
  TemporaryFile file{std::string(path)};
  LPGEN_RETURN_IF_ERROR(file.write(descriptor, contents));
  return file;
}

Status TemporaryFile::write(int descriptor, llvm::StringRef contents) const {
  llvm::raw_fd_ostream stream(descriptor, /*shouldClose=*/true);
  stream << contents;
  stream.close();
  if (stream.has_error()) {
    const std::string reason = stream.error().message();
    stream.clear_error();
    return Status::error("cannot write temporary file '" + name +
                         "': " + reason +
                         "; free some space or set TMPDIR to another folder");
  }
  return Status::success();
}

TemporaryFile::~TemporaryFile() {
  if (!name.empty()) {
    // A file that someone else removed first is no failure.
    [[maybe_unused]] const std::error_code ignored =
        llvm::sys::fs::remove(name);
    llvm::sys::DontRemoveFileOnSignal(name);
  }
}

TemporaryFile::TemporaryFile(TemporaryFile &&other) noexcept
    : name(std::exchange(other.name, {})) {}

TemporaryFile &TemporaryFile::operator=(TemporaryFile &&other) noexcept {
  std::swap(name, other.name);
  return *this;
}

Result<std::string> TemporaryFile::read() const {
  auto buffer = llvm::MemoryBuffer::getFile(name, /*IsText=*/false,
                                            /*RequiresNullTerminator=*/false);
  if (!buffer) {
    return Status::error("cannot read temporary file '" + name +
                         "': " + buffer.getError().message());
  }
  return (*buffer)->getBuffer().str();
}

} // namespace lpgen
