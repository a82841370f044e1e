// The slices of the workspace that a kernel on memrefs uses, with their
// lifetimes.
#ifndef LPGEN_COMPILER_PASSES_WORKSPACESLICES_H
#define LPGEN_COMPILER_PASSES_WORKSPACESLICES_H

#include "ir/analysis/WorkspacePlan.h"
#include "ir/dialect/Lp.h"
#include "llvm/ADT/MapVector.h"

namespace lpgen {

/// By view of the workspace, in the order of first use; for the bounds of
/// run-time sizes.
llvm::MapVector<mlir::Operation *, WorkspaceSlice>
workspaceSlices(lp::KernelOp kernel);

} // namespace lpgen

#endif // LPGEN_COMPILER_PASSES_WORKSPACESLICES_H
