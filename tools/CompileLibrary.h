// `lpgen compile` for several targets: one library of each operator, with a
// kernel per target and the C file that chooses among them.
#ifndef LPGEN_TOOLS_COMPILELIBRARY_H
#define LPGEN_TOOLS_COMPILELIBRARY_H

#include "base/system/OutputFiles.h"
#include "tools/CommonOptions.h"
#include "llvm/ADT/ArrayRef.h"

namespace lpgen {

/// Adds the files of a program in C that classifies images with the kernel,
/// which lies in `objects` and `choice` of the same folder. An error if the
/// operator is none for images.
Status addProgram(OutputFiles &outputs, const std::string &folder,
                  const KernelInfo &kernel, llvm::ArrayRef<std::string> objects,
                  const std::string &choice);

/// The targets of `--target x86_avx2,generic`, two or more. On failure says why
/// on stderr, sets `exitCode` and returns none.
std::vector<const Target *> parseTargetList(llvm::StringRef text,
                                            int &exitCode);

/// Compiles the operators of `file` for each target and adds to `outputs`, in
/// `folder`, what `emit` lists: <op>_<target>.o, .s, .ll, .mlir of each target;
/// <op>_dispatch.c with the objects; <op>.h and <op>.json of the library;
/// the files of a program.
/// Returns an exit status.
int compileLibrary(OpFile &file, llvm::ArrayRef<const Target *> targets,
                   llvm::ArrayRef<std::string> emit, const std::string &folder,
                   OutputFiles &outputs, std::vector<CompiledOp> &compiled);

} // namespace lpgen

#endif // LPGEN_TOOLS_COMPILELIBRARY_H
