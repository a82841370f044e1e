// One file by OutputFiles; reading.
#include "base/system/AtomicFile.h"
#include "base/system/OutputFiles.h"
#include "base/system/SystemError.h"
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace lpgen {

Status writeFileAtomically(const std::string &path,
                           std::span<const std::string_view> parts) {
  OutputFiles files;
  files.add(path, "", {parts.begin(), parts.end()});
  return files.commit();
}

Status writeFileAtomically(const std::string &path, std::string_view content) {
  return writeFileAtomically(path, std::span(&content, 1));
}

Result<std::string> readWholeFile(const std::string &path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    return Status::error("cannot read '" + path + "': it is a folder");
  }
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::ostringstream content;
  // Inserting nothing is a failure to streams; a file may be empty.
  if (!file || (file.peek() != std::ifstream::traits_type::eof() &&
                !(content << file.rdbuf()))) {
    return Status::error("cannot read '" + path +
                         "': " + describeSystemError(errno));
  }
  return std::move(content).str();
}

} // namespace lpgen
