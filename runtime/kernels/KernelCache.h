// Shared objects of kernels on disk, any number of processes at a time.
//
// What is loaded into a program must be what this user has written: a cache is
// taken only from a folder that nobody else can change, and a file only if it
// is complete and unchanged, by a digest that stands behind its bytes (where no
// loader looks).
#ifndef LPGEN_RUNTIME_KERNELS_KERNELCACHE_H
#define LPGEN_RUNTIME_KERNELS_KERNELCACHE_H

#include "base/system/FileLock.h"
#include "base/system/Interruption.h"
#include <memory>
#include <optional>
#include <string>

namespace lpgen {

/// A folder to compile in, which goes with its owner.
class WorkFolder {
public:
  WorkFolder(std::string path, FileLock lock)
      : name(std::move(path)), unfinished(name), lock(std::move(lock)) {}
  ~WorkFolder();
  WorkFolder(const WorkFolder &) = delete;
  WorkFolder &operator=(const WorkFolder &) = delete;

  const std::string &path() const { return name; }

private:
  std::string name;
  UnfinishedFile unfinished;
  FileLock lock; ///< Tells it from what a killed process has left.
};

class KernelCache {
public:
  /// lpgen/kernels in $XDG_CACHE_HOME or ~/.cache.
  static Result<std::string> userFolder();
  /// Makes the folder if it is missing. An error if others may write into it.
  /// What killed processes have left there is removed.
  static Result<KernelCache> open(const std::string &folder);

  /// The path of the library `name`, or "" if there is none that can be
  /// trusted.
  std::string find(const std::string &name) const;
  /// What `add` was given for `name`, or nothing if that cannot be trusted.
  std::optional<std::string> read(const std::string &name) const;
  /// Adds a library, whose bytes these are; its path.
  Result<std::string> add(const std::string &name,
                          const std::string &library) const;
  Result<std::unique_ptr<WorkFolder>> makeWorkFolder() const;

private:
  explicit KernelCache(std::string folder) : folder(std::move(folder)) {}
  std::string folder;
};

} // namespace lpgen

#endif // LPGEN_RUNTIME_KERNELS_KERNELCACHE_H
