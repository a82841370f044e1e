// The programs that do commands of lpgen and are installed with it; none has
// LLVM in it.
#ifndef LPGEN_TOOLS_OTHERPROGRAMS_H
#define LPGEN_TOOLS_OTHERPROGRAMS_H

#include <span>
#include <string>

namespace lpgen {

struct OtherProgram {
  const char *command;
  const char *description;
  const char *path;          ///< From the folder of this program.
  const char *remedy;        ///< Where it is missing.
  bool takesCommand = false; ///< Its first argument is the command.
};

std::span<const OtherProgram> otherPrograms();

/// The path of what is installed at `path` from the folder of this program.
std::string besideProgram(const char *path);

} // namespace lpgen

#endif // LPGEN_TOOLS_OTHERPROGRAMS_H
