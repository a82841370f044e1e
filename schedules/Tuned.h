// Tuned rules: `lp.tuned {key} -> #lp.schedule`, looked up by shape.
#ifndef LPGEN_SCHEDULES_TUNED_H
#define LPGEN_SCHEDULES_TUNED_H

#include "compiler/passes/PackedForm.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "targets/Target.h"

namespace lpgen {

/// What a rule is found by: target, operand types, and the GEMM's extents.
struct TunedKey {
  std::string target;
  std::string x, w; ///< Element types, u2, s4.
  int64_t rows = 0;
  int64_t columns = 0;
  int64_t reduction = 0;
};

/// The key of `contract`; extents are those of the loops in output x / w / sum.
TunedKey keyOf(lp::ContractOp contract, const Target &target);

/// The schedule of the rule for `contract`: exact if there is one, else that of
/// the nearest shape with the same target and types whose schedule applies.
/// Null if none.
lp::ScheduleAttr findTuned(lp::ContractOp contract, const Target &target,
                           mlir::ModuleOp rules, std::string &reason);

} // namespace lpgen

#endif // LPGEN_SCHEDULES_TUNED_H
