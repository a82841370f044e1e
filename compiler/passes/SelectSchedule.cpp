// lp-select-schedule: schedule selection as a pass, for lpgen-opt. Stage
// `scheduled`.
#include "compiler/passes/Passes.h"
#include "schedules/Schedules.h"

namespace lpgen {
#define GEN_PASS_DEF_SELECTSCHEDULEPASS
#include "compiler/passes/Passes.h.inc"
} // namespace lpgen

using namespace mlir;
using namespace lpgen;

namespace {
struct SelectSchedulePass
    : public lpgen::impl::SelectSchedulePassBase<SelectSchedulePass> {
  using SelectSchedulePassBase::SelectSchedulePassBase;

  void runOnOperation() override {
    auto name = getOperation()->getAttrOfType<lp::TargetAttr>("lp.target");
    const Target *target = name ? findTarget(name.getName()) : nullptr;
    if (!target) {
      getOperation().emitError("the module names no known target (lp.target)");
      return signalPassFailure();
    }
    std::optional<ScheduleRequest> request;
    if (!schedule.empty()) {
      std::string message;
      request = parseScheduleRequest(schedule, message);
      if (!request) {
        getOperation().emitError(message);
        return signalPassFailure();
      }
    }
    if (failed(selectSchedules(getOperation(), machineOf(getOperation()),
                               request, TunedRules{getOperation()}))) {
      signalPassFailure();
    }
  }
};
} // namespace
