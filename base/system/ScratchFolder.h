// A folder for files that are needed for a while.
#ifndef LPGEN_BASE_SYSTEM_SCRATCHFOLDER_H
#define LPGEN_BASE_SYSTEM_SCRATCHFOLDER_H

#include "base/system/Interruption.h"
#include "base/system/Status.h"
#include <string>

namespace lpgen {

/// The folder and all that is in it go with this, and with a signal.
class ScratchFolder {
public:
  /// One of its own in the folder of temporary files; its name begins with
  /// `prefix`.
  static Result<ScratchFolder> make(const std::string &prefix);
  ScratchFolder(ScratchFolder &&other) noexcept;
  ScratchFolder &operator=(ScratchFolder &&) = delete;
  ~ScratchFolder();

  const std::string &path() const { return folder; }

private:
  ScratchFolder() = default;
  std::string folder; ///< "" if it was moved from.
  UnfinishedFile unfinished;
};

} // namespace lpgen

#endif // LPGEN_BASE_SYSTEM_SCRATCHFOLDER_H
