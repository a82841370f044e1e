// A library is its bytes, a mark and their digest.
#include "runtime/kernels/KernelCache.h"
#include "base/system/AtomicFile.h"
#include "base/system/Digest.h"
#include "base/system/SystemError.h"
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace lpgen {

namespace fs = std::filesystem;

static constexpr std::string_view mark = "LPGENSO1";
static constexpr size_t digestBytes = 8;
static constexpr const char *workPrefix = "tmp.";
static constexpr mode_t writableByOthers = S_IWGRP | S_IWOTH;

/// What keeps `path` from being this user's (or the system's) alone; "" if
/// nothing does.
static std::string whoElseWrites(const std::string &path) {
  struct stat info = {};
  if (::lstat(path.c_str(), &info) != 0) {
    return describeSystemError(errno);
  }
  if (info.st_uid != ::geteuid() && info.st_uid != 0) {
    return "it belongs to another user (" + std::to_string(info.st_uid) + ")";
  }
  return (info.st_mode & writableByOthers) != 0 ? "others may write it" : "";
}

WorkFolder::~WorkFolder() {
  std::error_code ignored;
  fs::remove_all(name, ignored);
}

/// Work folders whose process is gone.
static void removeOldWork(const std::string &folder) {
  std::error_code ignored;
  std::vector<std::string> found;
  for (const auto &entry : fs::directory_iterator(folder, ignored)) {
    if (entry.path().filename().string().starts_with(workPrefix)) {
      found.push_back(entry.path().string());
    }
  }
  for (const std::string &path : found) {
    const Result<std::optional<FileLock>> lock =
        FileLock::attempt(path + "/lock");
    if (lock.ok() && lock->has_value()) {
      fs::remove_all(path, ignored);
    }
  }
}

Result<std::string> KernelCache::userFolder() {
  const char *cache = std::getenv("XDG_CACHE_HOME"); // NOLINT(concurrency-*)
  if (cache && cache[0] == '/') {
    return std::string(cache) + "/lpgen/kernels";
  }
  const char *home = std::getenv("HOME"); // NOLINT(concurrency-*)
  if (home && home[0] == '/') {
    return std::string(home) + "/.cache/lpgen/kernels";
  }
  return Status::error("there is no folder for compiled kernels: neither "
                       "XDG_CACHE_HOME nor HOME is set; remedy: name one with "
                       "--kernel-cache");
}

Result<KernelCache> KernelCache::open(const std::string &folder) {
  const auto failure = [&](const std::string &reason) {
    return Status::error("cannot keep compiled kernels in folder '" + folder +
                         "': " + reason);
  };
  std::error_code error;
  const bool isNew = fs::create_directories(folder, error);
  if (error) {
    return failure(error.message());
  }
  // What a link names counts.
  const std::string path = fs::canonical(folder, error).string();
  if (isNew && !error) {
    fs::permissions(path, fs::perms::group_write | fs::perms::others_write,
                    fs::perm_options::remove, error);
  }
  if (error) {
    return failure(error.message());
  }
  if (const std::string reason = whoElseWrites(path); !reason.empty()) {
    return failure(reason +
                   "; remedy: chmod go-w, or name a folder of your own "
                   "with --kernel-cache");
  }
  removeOldWork(path);
  return KernelCache(folder);
}

std::string KernelCache::find(const std::string &name) const {
  return read(name) ? folder + "/" + name : "";
}

std::optional<std::string> KernelCache::read(const std::string &name) const {
  const std::string path = folder + "/" + name;
  if (!whoElseWrites(path).empty()) {
    return std::nullopt;
  }
  Result<std::string> content = readWholeFile(path);
  constexpr size_t trailer = mark.size() + digestBytes;
  if (!content.ok() || content->size() < trailer) {
    return std::nullopt;
  }
  const std::string_view all = *content;
  const std::string_view library = all.substr(0, all.size() - trailer);
  uint64_t digest = 0;
  std::memcpy(&digest, all.data() + all.size() - digestBytes, digestBytes);
  if (!all.substr(library.size()).starts_with(mark) ||
      digest != extendDigest(emptyDigest, library)) {
    return std::nullopt;
  }
  content->resize(library.size());
  return std::move(*content);
}

/// Makes what is at `path` fit to be replaced: a file of others, or what is no
/// file, would hand its rights on. A good one stays, since other processes may
/// be about to load it.
static void removeUntrusted(const std::string &path) {
  struct stat info = {};
  if (::lstat(path.c_str(), &info) != 0) {
    return;
  }
  std::error_code ignored;
  if (!S_ISREG(info.st_mode) || info.st_uid != ::geteuid()) {
    fs::remove(path, ignored);
  } else if ((info.st_mode & writableByOthers) != 0) {
    ::chmod(path.c_str(), info.st_mode & ~writableByOthers);
  }
}

Result<std::string> KernelCache::add(const std::string &name,
                                     const std::string &library) const {
  const std::string path = folder + "/" + name;
  removeUntrusted(path);
  const uint64_t digest = extendDigest(emptyDigest, library);
  LPGEN_RETURN_IF_ERROR(writeFileAtomically(
      path, std::array<std::string_view, 3>{
                library,
                mark,
                {reinterpret_cast<const char *>(&digest), digestBytes}}));
  std::error_code error;
  fs::permissions(path, fs::perms::group_write | fs::perms::others_write,
                  fs::perm_options::remove, error);
  return path;
}

Result<std::unique_ptr<WorkFolder>> KernelCache::makeWorkFolder() const {
  constexpr int mostAttempts = 8;
  for (int attempt = 0; attempt < mostAttempts; ++attempt) {
    std::string path = folder + "/" + workPrefix + "XXXXXX";
    if (!::mkdtemp(path.data())) {
      return Status::error("cannot make a folder in '" + folder +
                           "': " + describeSystemError(errno));
    }
    // Another process may take it for an old one until it is locked.
    Result<std::optional<FileLock>> lock = FileLock::attempt(path + "/lock");
    if (lock.ok() && lock->has_value() && fs::exists(path + "/lock")) {
      return std::make_unique<WorkFolder>(path, std::move(**lock));
    }
  }
  return Status::error("cannot lock a folder in '" + folder + "'");
}

} // namespace lpgen
