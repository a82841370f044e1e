// Linking generated objects with ld.lld: programs for the kernel runner, and
// shared objects for the runtime.
#ifndef LPGEN_WORKBENCH_RUN_LINKER_H
#define LPGEN_WORKBENCH_RUN_LINKER_H

#include "base/system/Status.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include <string>

namespace lpgen {

/// The path of the first of `names` found in PATH, else in `folders`; "" if
/// none.
std::string findProgram(llvm::ArrayRef<llvm::StringRef> names,
                        llvm::ArrayRef<llvm::StringRef> folders = {});

/// The path of the linker; an error says how to get one.
Result<std::string> findLinker();

/// What linkObjects makes.
enum class LinkKind {
  Program,      ///< A static executable without a C library.
  SharedObject, ///< For dlopen.
};

/// Links object files to `output`, which lld writes in one step. An error
/// carries the linker's own message.
Status linkObjects(LinkKind kind, llvm::ArrayRef<std::string> objectPaths,
                   llvm::StringRef output);

} // namespace lpgen

#endif // LPGEN_WORKBENCH_RUN_LINKER_H
