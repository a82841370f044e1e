// Temporary files that vanish with their owner, and with the process when a
// signal ends it.
#ifndef LPGEN_WORKBENCH_RUN_TEMPORARYFILE_H
#define LPGEN_WORKBENCH_RUN_TEMPORARYFILE_H

#include "base/system/Status.h"
#include "llvm/ADT/StringRef.h"
#include <string>

namespace lpgen {

class TemporaryFile {
public:
  /// Creates lpgen-XXXXXX.`suffix` in the system's temporary folder with
  /// `contents`.
  static Result<TemporaryFile> create(llvm::StringRef suffix,
                                      llvm::StringRef contents = "");
  ~TemporaryFile();
  TemporaryFile(TemporaryFile &&other) noexcept;
  TemporaryFile &operator=(TemporaryFile &&other) noexcept;

  const std::string &path() const { return name; }
  /// The bytes that are in the file now.
  Result<std::string> read() const;

private:
  explicit TemporaryFile(std::string name) : name(std::move(name)) {}
  Status write(int descriptor, llvm::StringRef contents) const;
  std::string name; ///< Empty after a move.
};

} // namespace lpgen

#endif // LPGEN_WORKBENCH_RUN_TEMPORARYFILE_H
