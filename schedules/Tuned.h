// Tuned rules: `lp.tuned {key} -> #lp.schedule`, looked up by shape.
#ifndef LPGEN_SCHEDULES_TUNED_H
#define LPGEN_SCHEDULES_TUNED_H

#include "ir/analysis/PackedForm.h"
#include "mlir/IR/BuiltinOps.h"
#include "targets/Target.h"
#include <compare>
#include <string>

namespace lpgen {

/// What a rule is found by: target, operand types, and the GEMM's extents.
struct TunedKey {
  std::string target;
  std::string x, w; ///< Element types, u2, s4.
  int64_t rows = 0;
  int64_t columns = 0;
  int64_t reduction = 0;

  auto operator<=>(const TunedKey &) const = default;
};

/// Rules farther than this from a contraction say nothing about it: the sum of
/// |log2| of the ratios of the three extents, here a factor of 16 in all.
inline constexpr double maxTunedDistance = 4;

/// The key of `contract`; extents are those of the loops in output x / w / sum.
TunedKey keyOf(lp::ContractOp contract, const Target &target);

/// The key that `rule` stands under.
TunedKey keyOf(lp::TunedOp rule);

/// The schedule of the rule for `contract`: exact if there is one, else that of
/// the nearest shape with the same target and types, within maxTunedDistance,
/// whose schedule can be applied; what the rule does not say of prefetching is
/// that of the machine. `reason` then names the rule's place, its
/// shape if that is another, and its source. Null if none.
lp::ScheduleAttr findTuned(lp::ContractOp contract, const Machine &machine,
                           llvm::ArrayRef<mlir::ModuleOp> rules,
                           std::string &reason);

} // namespace lpgen

#endif // LPGEN_SCHEDULES_TUNED_H
