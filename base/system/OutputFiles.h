// Files that appear complete or not at all: the one way in which programs of
// this project write.
#ifndef LPGEN_BASE_SYSTEM_OUTPUTFILES_H
#define LPGEN_BASE_SYSTEM_OUTPUTFILES_H

#include "base/system/Status.h"
#include <string>
#include <string_view>
#include <vector>

namespace lpgen {

/// Collects contents; `commit` writes all of them or none.
///
/// A plain file, or none, becomes the new one at once: its bytes are written
/// and brought to the disk under another name in the same folder, then renamed.
/// What a symbolic link names is replaced, not the link. The rights are those
/// of the file before, or what the umask leaves. Pipes, terminals and the like
/// (/dev/null, >(...)) are written to as they are; folders and disks are
/// refused.
class OutputFiles {
public:
  /// The contents, then the parts, whose bytes must be there until `commit`.
  void add(std::string path, std::string contents,
           std::vector<std::string_view> parts = {});
  /// FOLDER/NAME; the folder is made if it is missing. A name that leads out of
  /// it is an error of `commit`.
  void addIn(const std::string &folder, const std::string &name,
             std::string contents, std::vector<std::string_view> parts = {});

  /// An error names the file that cannot be written; then the files are as they
  /// were before, but for what a pipe took.
  Status commit();

private:
  struct File {
    std::string path;
    std::string contents;
    std::vector<std::string_view> parts;
    std::string folder; ///< Made if it is missing; "" for none.
  };
  struct Writing;
  Status checkPaths(std::vector<Writing> &all) const;

  std::vector<File> files;
  std::string wrongName; ///< The first one of addIn that leads elsewhere.
};

/// Removes what processes that were killed while they wrote `path` have left.
/// What another one is writing stays.
void removeLeftovers(const std::string &path);

} // namespace lpgen

#endif // LPGEN_BASE_SYSTEM_OUTPUTFILES_H
