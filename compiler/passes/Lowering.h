// How contractions become tasks, by the template of their schedule: the half of
// a template that creates IR. The other half, candidates, stands in
// schedules/templates.
#ifndef LPGEN_COMPILER_PASSES_LOWERING_H
#define LPGEN_COMPILER_PASSES_LOWERING_H

#include "compiler/passes/Phases.h"

namespace lpgen {

class Lowering {
public:
  virtual ~Lowering() = default;
  /// What the operands are packed to; nothing where they stay as they are.
  /// Errors are emitted on the op.
  virtual mlir::FailureOr<std::optional<PackedForm>>
  formOf(lp::ContractOp op) const = 0;
  /// Replaces the op before phases are told apart, if it has no tasks of its
  /// own; true if so. The functions below are for those that have. Fails, with
  /// an error on the op, if its operands are not what formOf says.
  virtual mlir::FailureOr<bool> replace(lp::ContractOp op) const = 0;
  /// The tasks, whose sizes `resolve` gives in terms of the kernel's arguments.
  virtual llvm::SmallVector<mlir::OpFoldResult>
  taskSizes(lp::ContractOp op, Emitter &e,
            llvm::function_ref<mlir::Value(mlir::Value)> resolve) const = 0;
  /// Replaces the op by one task; bytes of scratch that it needs.
  virtual mlir::FailureOr<int64_t> emitTask(lp::ContractOp op, Emitter &e,
                                            Coordinates task,
                                            mlir::Value scratch) const = 0;
};

/// That of the template which the op's schedule names; `direct` without one.
/// Null, with an error on the op, if there is no such template.
const Lowering *loweringOf(lp::ContractOp op);

} // namespace lpgen

#endif // LPGEN_COMPILER_PASSES_LOWERING_H
