// Temporaries beside the files, then renames.
//
// A temporary is the file's name and a number. Its writer has a lock on it, so
// that one without a lock is left of a process that was killed.
#include "base/system/OutputFiles.h"
#include "base/system/Interruption.h"
#include "base/system/SystemError.h"
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <filesystem>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace lpgen {

namespace fs = std::filesystem;

static constexpr int mostTemporaries = 64; ///< Of one file, at one time.

static Status failure(const std::string &path, const std::string &reason) {
  return Status::error("cannot write '" + path + "': " + reason);
}

static Status failure(const std::string &path, int error) {
  return failure(path, describeSystemError(error));
}

static std::string temporaryName(const std::string &path, int number) {
  return path + ".lpgen-tmp" + std::to_string(number);
}

/// Removes a temporary that no process is writing.
static bool removeLeft(const std::string &name) {
  const int file =
      ::open(name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (file < 0) {
    return errno == ENOENT;
  }
  struct stat info = {};
  const bool isOurs = ::fstat(file, &info) == 0 && S_ISREG(info.st_mode) &&
                      info.st_uid == ::geteuid();
  const bool isRemoved = isOurs && ::flock(file, LOCK_EX | LOCK_NB) == 0 &&
                         ::unlink(name.c_str()) == 0;
  ::close(file);
  return isRemoved;
}

void removeLeftovers(const std::string &path) {
  for (int number = 0; number < mostTemporaries; ++number) {
    const std::string name = temporaryName(path, number);
    struct stat info = {};
    if (::lstat(name.c_str(), &info) == 0) {
      (void)removeLeft(name);
    }
  }
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

/// One file on its way.
struct OutputFiles::Writing {
  const File *file = nullptr;
  std::string target; ///< Where links lead.
  bool isStream = false;
  bool isThere = false; ///< A plain file is at `target`.
  mode_t mode = 0;      ///< Of that file.
  std::string temporary;
  int descriptor = -1; ///< Of `temporary`, for its lock.
  UnfinishedFile unfinished;
  bool isExchanged = false; ///< `temporary` has the old contents.
  bool isRenamed = false;

  Status resolve();
  Status writeStream() const;
  Status writeTemporary();
  Status rename(bool isOnly);
  void undo();
  void cleanUp();

private:
  bool openTemporary();
  bool writeParts(int descriptor) const;
};

/// Follows links and looks at what is there.
Status OutputFiles::Writing::resolve() {
  constexpr int mostLinks = 40;
  const std::string &path = file->path;
  if (path.empty()) {
    return Status::error("cannot write '': expected the name of a file");
  }
  target = path;
  struct stat info = {};
  for (int link = 0;; ++link) {
    if (::lstat(target.c_str(), &info) != 0) {
      return errno == ENOENT ? Status::success() : failure(path, errno);
    }
    if (!S_ISLNK(info.st_mode)) {
      break;
    }
    std::error_code error;
    const fs::path folder = fs::path(target).parent_path();
    const fs::path parent = fs::canonical(folder.empty() ? "." : folder, error);
    if (!error && parent.string().starts_with("/proc/")) {
      isStream = true; // /dev/stdout, /dev/fd/3: an open file of a process.
      return Status::success();
    }
    const fs::path next = fs::read_symlink(target, error);
    if (error || link == mostLinks) {
      return failure(path, error ? error.value() : ELOOP);
    }
    target = (next.is_absolute() ? next : parent / next).string();
  }
  if (S_ISDIR(info.st_mode)) {
    return failure(path, "it is a folder");
  }
  if (S_ISBLK(info.st_mode) || S_ISSOCK(info.st_mode)) {
    return failure(path, "it is not a regular file, nor a pipe or terminal");
  }
  isThere = S_ISREG(info.st_mode);
  isStream = !isThere;
  mode = info.st_mode & (S_IRWXU | S_IRWXG | S_IRWXO);
  return Status::success();
}

bool OutputFiles::Writing::writeParts(int descriptor) const {
  return writeAll(descriptor, file->contents) &&
         std::ranges::all_of(file->parts, [&](std::string_view part) {
           return writeAll(descriptor, part);
         });
}

Status OutputFiles::Writing::writeStream() const {
  const int descriptor =
      ::open(file->path.c_str(), O_WRONLY | O_APPEND | O_NOCTTY | O_CLOEXEC);
  if (descriptor < 0) {
    return failure(file->path, errno);
  }
  int error = writeParts(descriptor) ? 0 : errno;
  if (::close(descriptor) != 0 && error == 0) {
    error = errno;
  }
  return error == 0 ? Status::success() : failure(file->path, error);
}

/// A new file under a free number, locked.
bool OutputFiles::Writing::openTemporary() {
  for (int number = 0; number < mostTemporaries; ++number) {
    temporary = temporaryName(target, number);
    const auto open = [&] {
      return ::open(temporary.c_str(),
                    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                    S_IRUSR | S_IWUSR | S_IRGRP | S_IWGRP | S_IROTH | S_IWOTH);
    };
    descriptor = open();
    if (descriptor < 0 && errno == EEXIST) {
      descriptor = removeLeft(temporary) ? open() : -1;
      if (descriptor < 0) {
        continue;
      }
    }
    if (descriptor < 0) {
      break;
    }
    // Where there are no locks, nobody takes it for a leftover either.
    struct stat info = {};
    if ((::flock(descriptor, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) &&
        ::fstat(descriptor, &info) == 0 && info.st_nlink > 0) {
      unfinished = UnfinishedFile(temporary);
      return true;
    }
    ::close(descriptor); // Another process took it for one.
  }
  temporary.clear();
  descriptor = -1;
  return false;
}

Status OutputFiles::Writing::writeTemporary() {
  if (!file->folder.empty()) {
    std::error_code error;
    fs::create_directories(file->folder, error);
    if (error) {
      return failure(file->path, error.value());
    }
  }
  const bool isGood = openTemporary() &&
                      (!isThere || ::fchmod(descriptor, mode) == 0) &&
                      writeParts(descriptor) && ::fsync(descriptor) == 0;
  return isGood ? Status::success() : failure(file->path, errno);
}

/// One of several files is exchanged, where the file system can, so that `undo`
/// can.
Status OutputFiles::Writing::rename(bool isOnly) {
  isExchanged = isThere && !isOnly &&
                ::renameat2(AT_FDCWD, temporary.c_str(), AT_FDCWD,
                            target.c_str(), RENAME_EXCHANGE) == 0;
  if (isExchanged) {
    return Status::success();
  }
  if (std::rename(temporary.c_str(), target.c_str()) != 0) {
    return failure(file->path, errno);
  }
  isRenamed = true;
  temporary.clear();
  unfinished = UnfinishedFile();
  return Status::success();
}

void OutputFiles::Writing::undo() {
  if (isExchanged) {
    (void)::renameat2(AT_FDCWD, temporary.c_str(), AT_FDCWD, target.c_str(),
                      RENAME_EXCHANGE);
  } else if (isRenamed && !isThere) {
    ::unlink(target.c_str());
  }
}

void OutputFiles::Writing::cleanUp() {
  if (!temporary.empty()) {
    ::unlink(temporary.c_str());
  }
  if (descriptor >= 0) {
    ::close(descriptor);
  }
}

void OutputFiles::add(std::string path, std::string contents,
                      std::vector<std::string_view> parts) {
  files.emplace_back(std::move(path), std::move(contents), std::move(parts));
}

void OutputFiles::addIn(const std::string &folder, const std::string &name,
                        std::string contents,
                        std::vector<std::string_view> parts) {
  const bool isWrong = name.empty() || name == "." || name == ".." ||
                       name.find('/') != std::string::npos ||
                       name.find('\0') != std::string::npos;
  if (isWrong && wrongName.empty()) {
    wrongName = name.empty() ? " " : name;
  }
  add(folder + "/" + name, std::move(contents), std::move(parts));
  files.back().folder = folder;
}

Status OutputFiles::checkPaths(std::vector<Writing> &all) const {
  if (!wrongName.empty()) {
    return Status::error("cannot write '" + wrongName +
                         "': expected the name of a file in the folder of the "
                         "outputs, without a slash");
  }
  for (const File &file : files) {
    Writing &writing = all.emplace_back();
    writing.file = &file;
    LPGEN_RETURN_IF_ERROR(writing.resolve());
    const auto same = std::ranges::find_if(all, [&](const Writing &other) {
      return other.target == writing.target;
    });
    if (!writing.isStream && same->file != &file) {
      return failure(file.path, "it is the name of two outputs");
    }
  }
  return Status::success();
}

Status OutputFiles::commit() {
  std::vector<Writing> all;
  all.reserve(files.size());
  const auto write = [&]() -> Status {
    LPGEN_RETURN_IF_ERROR(checkPaths(all));
    for (Writing &writing : all) {
      if (!writing.isStream) {
        LPGEN_RETURN_IF_ERROR(writing.writeTemporary());
      }
    }
    for (const Writing &writing : all) {
      if (writing.isStream) {
        LPGEN_RETURN_IF_ERROR(writing.writeStream());
      }
    }
    for (Writing &writing : all) {
      if (!writing.isStream) {
        LPGEN_RETURN_IF_ERROR(writing.rename(files.size() == 1));
      }
    }
    return Status::success();
  };
  Status status = write();
  for (Writing &writing : all) {
    if (!status.ok()) {
      writing.undo();
    }
    writing.cleanUp();
  }
  return files.size() > 1 && !status.ok()
             ? Status::error(status.message() + "; nothing was written")
             : status;
}

} // namespace lpgen
