// Places for the slices of a kernel's workspace: slices that are not alive at
// the same time may share memory.
#ifndef LPGEN_IR_ANALYSIS_WORKSPACEPLAN_H
#define LPGEN_IR_ANALYSIS_WORKSPACEPLAN_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include <cstdint>

namespace lpgen {

/// Memory that is in use from phase `first` to phase `last`, both included:
/// the tasks of a phase run at the same time.
struct WorkspaceSlice {
  int64_t bytes = 0;
  size_t first = 0;
  size_t last = 0;

  bool isAliveWith(const WorkspaceSlice &other) const {
    return first <= other.last && other.first <= last;
  }
};

struct WorkspacePlan {
  /// For each slice, where it begins.
  llvm::SmallVector<int64_t> offsets;
  int64_t bytes = 0;
  /// For each slice those that are alive with it and lie below it, without
  /// those that lie below another one of them. So the end of the highest of
  /// these is a place for the slice, whatever sizes all of them have.
  llvm::SmallVector<llvm::SmallVector<size_t>> below;
};

WorkspacePlan planWorkspace(llvm::ArrayRef<WorkspaceSlice> slices);

/// The largest sum of the bytes of slices that are alive in one phase: no plan
/// needs less.
int64_t mostBytesAlive(llvm::ArrayRef<WorkspaceSlice> slices);

} // namespace lpgen

#endif // LPGEN_IR_ANALYSIS_WORKSPACEPLAN_H
