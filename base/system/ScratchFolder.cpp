// Makes and removes a folder of temporary files.
#include "base/system/ScratchFolder.h"
#include "base/system/SystemError.h"
#include <cerrno>
#include <cstdlib>
#include <filesystem>

namespace lpgen {

namespace fs = std::filesystem;

Result<ScratchFolder> ScratchFolder::make(const std::string &prefix) {
  std::error_code error;
  std::string path =
      (fs::temp_directory_path(error) / (prefix + ".XXXXXX")).string();
  if (error || !::mkdtemp(path.data())) {
    const int code = error ? error.value() : errno;
    return Status::error("cannot make a temporary folder '" + path +
                         "': " + describeSystemError(code));
  }
  ScratchFolder result;
  result.folder = path;
  result.unfinished = UnfinishedFile(path);
  return result;
}

ScratchFolder::ScratchFolder(ScratchFolder &&other) noexcept
    : folder(std::move(other.folder)), unfinished(std::move(other.unfinished)) {
  other.folder.clear();
}

ScratchFolder::~ScratchFolder() {
  if (!folder.empty()) {
    std::error_code ignored;
    fs::remove_all(folder, ignored);
  }
}

} // namespace lpgen
