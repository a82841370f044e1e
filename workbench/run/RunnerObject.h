// The kernel runner (runtime/runner), compiled for each architecture and
// embedded here.
#ifndef LPGEN_WORKBENCH_RUN_RUNNEROBJECT_H
#define LPGEN_WORKBENCH_RUN_RUNNEROBJECT_H

#include "base/system/Status.h"
#include "llvm/ADT/StringRef.h"

namespace lpgen {

/// The bytes of the runner's ELF object for the architecture of an LLVM triple.
Result<llvm::StringRef> runnerObject(llvm::StringRef triple);

} // namespace lpgen

#endif // LPGEN_WORKBENCH_RUN_RUNNEROBJECT_H
