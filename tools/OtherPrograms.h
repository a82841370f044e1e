// The programs that do commands of lpgen and are installed with it; none has
// LLVM in it.
#ifndef LPGEN_TOOLS_OTHERPROGRAMS_H
#define LPGEN_TOOLS_OTHERPROGRAMS_H

#include <span>
#include <string>
#include <vector>

namespace lpgen {

struct OtherProgram {
  const char *command;
  const char *description;
  const char *path;          ///< From the folder of this program.
  const char *remedy;        ///< Where it is missing.
  bool takesCommand = false; ///< Its first argument is the command.
  /// Runs the program, given its path and arguments, where more is to be done.
  int (*run)(const std::string &program,
             const std::vector<std::string> &arguments) = nullptr;
};

std::span<const OtherProgram> otherPrograms();

/// The path of what is installed at `path` from the folder of this program.
std::string besideProgram(const char *path);

} // namespace lpgen

#endif // LPGEN_TOOLS_OTHERPROGRAMS_H
