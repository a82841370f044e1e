// A program in C around a kernel that classifies images: what goes with object
// and header so that a C compiler and make are all that a user needs.
//
// It stands behind code generation and is called by the compile command.
#ifndef LPGEN_COMPILER_CODEGEN_PROGRAM_H
#define LPGEN_COMPILER_CODEGEN_PROGRAM_H

#include "compiler/codegen/KernelInfo.h"
#include "llvm/ADT/ArrayRef.h"
#include <optional>
#include <string>
#include <vector>

namespace lpgen {

struct ProgramFile {
  std::string folder; ///< In that of the program: "" or "/base/abi".
  std::string name;
  std::string content;
};

/// Why a program cannot classify images with a kernel, and what to do; nothing
/// if it can.
std::optional<std::string> whyNoProgram(const KernelInfo &info);

/// The files of a program that calls a kernel by its short names. `objects` and
/// `choice`, a C file or "", are what has the kernel, in the same folder.
std::vector<ProgramFile> programFiles(const KernelInfo &info,
                                      llvm::ArrayRef<std::string> objects,
                                      const std::string &choice);

} // namespace lpgen

#endif // LPGEN_COMPILER_CODEGEN_PROGRAM_H
