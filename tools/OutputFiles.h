// Files that a command writes: all of them or none.
#ifndef LPGEN_TOOLS_OUTPUTFILES_H
#define LPGEN_TOOLS_OUTPUTFILES_H

#include "base/system/Status.h"
#include <string>
#include <utility>
#include <vector>

namespace lpgen {

/// Collects contents first; `commit` writes temporary files beside the final
/// ones and renames them when every write has succeeded. Nothing half-written
/// stays behind.
class OutputFiles {
public:
  void add(std::string path, std::string contents) {
    files.emplace_back(std::move(path), std::move(contents));
  }
  Status commit();

private:
  std::vector<std::pair<std::string, std::string>> files;
};

} // namespace lpgen

#endif // LPGEN_TOOLS_OUTPUTFILES_H
