// Schedule selection as a pass. See SelectPass.h.
#include "compiler/passes/SelectSchedule.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassRegistry.h"
#include "schedules/Schedules.h"

using namespace mlir;
using namespace lpgen;

namespace {
struct SelectSchedulePass
    : public PassWrapper<SelectSchedulePass, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(SelectSchedulePass)
  SelectSchedulePass() = default;
  SelectSchedulePass(const SelectSchedulePass &other) : PassWrapper(other) {}

  StringRef getArgument() const override { return "lp-select-schedule"; }
  StringRef getDescription() const override {
    return "choose a schedule for every contraction and attach it";
  }
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

  Option<std::string> schedule{
      *this, "schedule", llvm::cl::desc("schedule as --schedule takes it")};
};
} // namespace

void lpgen::registerSelectSchedulePass() {
  PassRegistration<SelectSchedulePass>();
}
