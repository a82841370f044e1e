// Choosing the schedules of a kernel, and the record of it. Stage `scheduled`.
#ifndef LPGEN_COMPILER_PASSES_SELECTSCHEDULE_H
#define LPGEN_COMPILER_PASSES_SELECTSCHEDULE_H

#include "schedules/Schedules.h"

namespace lpgen {

/// Attaches a schedule to every contraction, see selectSchedules, and gives
/// each kernel of the module its `contractions` and its `hash`. Errors, an
/// unknown target among them, are emitted on the ops.
mlir::LogicalResult
scheduleKernels(mlir::ModuleOp module,
                const std::optional<ScheduleRequest> &request,
                llvm::ArrayRef<TunedRules> tuned);

/// SHA-256 of the IR's text and the compiler's version, in hex.
std::string hashOf(mlir::ModuleOp module);

} // namespace lpgen

#endif // LPGEN_COMPILER_PASSES_SELECTSCHEDULE_H
