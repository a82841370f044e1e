// Choosing a schedule: templates propose, one pass decides and attaches.
#ifndef LPGEN_SCHEDULES_SCHEDULES_H
#define LPGEN_SCHEDULES_SCHEDULES_H

#include "ir/analysis/PackedForm.h"
#include "mlir/IR/BuiltinOps.h"
#include "targets/Target.h"
#include <optional>
#include <string>
#include <vector>

namespace lpgen {

/// One way to compute a contraction, with its estimated cost.
struct Candidate {
  lp::ScheduleAttr schedule;
  double cyclesPerMac = 0; ///< Of the cost model; for ranking only.
};

/// A schedule as a user writes it: `widen<cell=maddubs16,tile=[4,2]>`. What is
/// not given is left to the cost model. `smallest`: of those whose weights take
/// the fewest bytes the fastest, whatever the template.
struct ScheduleRequest {
  std::string templateName;
  std::string cell;
  std::optional<int64_t> rows, vectors, unroll, block, prefetch;
  bool isSmallest = false;
};

/// The text that asks for the smallest weights.
constexpr llvm::StringLiteral kSmallestSchedule = "smallest";

/// Parses a request; nothing and a message if `text` is malformed or names no
/// template.
std::optional<ScheduleRequest> parseScheduleRequest(llvm::StringRef text,
                                                    std::string &message);

/// The text that parses back to `schedule`.
std::string scheduleText(lp::ScheduleAttr schedule);

/// A schedule template: a data layout and an inner loop.
class Template {
public:
  virtual ~Template() = default;
  virtual llvm::StringRef name() const = 0;
  virtual llvm::StringRef summary() const = 0;
  /// Every schedule of this template for `contract` that fits `request`.
  /// `whyNot` gathers a line for each cell that cannot be used.
  virtual std::vector<Candidate> candidates(lp::ContractOp contract,
                                            const Machine &machine,
                                            const ScheduleRequest &request,
                                            std::string &whyNot) const = 0;
};

/// All templates; `direct`, which is always legal, last.
llvm::ArrayRef<const Template *> allTemplates();
const Template &directTemplate();
const Template &bitserialTemplate();
const Template &lanesTemplate();
const Template &lutTemplate();
const Template &widenTemplate();

/// The candidates of all templates, the cheapest by the cost model first.
std::vector<Candidate> rankedCandidates(lp::ContractOp contract,
                                        const Machine &machine);

/// The schedule of `request` for `contract`, what is not given chosen by the
/// cost model; null, with the reason, if it cannot be applied.
lp::ScheduleAttr applicableSchedule(lp::ContractOp contract,
                                    const Machine &machine,
                                    const ScheduleRequest &request,
                                    std::string &whyNot);

/// The request that asks for all of `schedule`.
ScheduleRequest requestFor(lp::ScheduleAttr schedule);

/// Schedules one step away from `schedule` that can be applied: register tiles
/// with a row (two if one cannot be) or a vector more or less, half and twice
/// the unrolling and the block; the same cell.
std::vector<lp::ScheduleAttr> neighbouringSchedules(lp::ContractOp contract,
                                                    const Machine &machine,
                                                    lp::ScheduleAttr schedule);

/// Rules of one rank: modules of `lp.tuned` ops among which the nearest wins,
/// on a tie that of the earlier module.
using TunedRules = std::vector<mlir::ModuleOp>;

/// Attaches a schedule to every contraction of `kernel` that has none. First
/// hit wins: the op's own attribute, `request`, the lists of tuned rules in
/// `tuned` in order, the cost model. Who chose and why is left in attribute
/// `choice`. A request that cannot be applied is an error on the op.
mlir::LogicalResult
selectSchedules(lp::KernelOp kernel, const Machine &machine,
                const std::optional<ScheduleRequest> &request,
                llvm::ArrayRef<TunedRules> tuned);

} // namespace lpgen

#endif // LPGEN_SCHEDULES_SCHEDULES_H
