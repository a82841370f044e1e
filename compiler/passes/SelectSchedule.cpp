// lp-select-schedule: a schedule for every contraction, and on the kernel what
// was decided. Stage `scheduled`.
#include "compiler/passes/SelectSchedule.h"
#include "compiler/passes/Passes.h"
#include "ir/analysis/Chains.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/SHA256.h"

namespace lpgen {
#define GEN_PASS_DEF_SELECTSCHEDULEPASS
#include "compiler/passes/Passes.h.inc"
} // namespace lpgen

using namespace mlir;
using namespace lpgen;

/// Version of layouts and code generation; part of every kernel's identity.
static constexpr llvm::StringLiteral kCompilerVersion = "lpgen 0.1";

std::string lpgen::hashOf(ModuleOp module) {
  std::string text = kCompilerVersion.str();
  llvm::raw_string_ostream(text) << module;
  auto digest = llvm::SHA256::hash(llvm::arrayRefFromStringRef(text));
  return llvm::toHex(digest, /*LowerCase=*/true);
}

static lp::ContractionAttr describe(lp::ContractOp op) {
  const Cell *cell = findCell(op, op.getSchedule()->getCell());
  std::string choice = op.getChoice().value_or("").str();
  if (std::string source = describeXSource(op); !source.empty()) {
    choice += "; x: " + source;
  }
  return lp::ContractionAttr::get(op.getContext(), op.getLabel().value_or(""),
                                  op.getXElement(), op.getWElement(),
                                  op.accumulatorType(), *op.getSchedule(),
                                  cell ? cell->facts().group : 0, choice);
}

/// Moves the choices from the contractions to the kernels: who chose a schedule
/// is no part of the kernel's identity.
static void recordChoices(ModuleOp module) {
  Builder b(module.getContext());
  for (auto kernel : module.getOps<lp::KernelOp>()) {
    SmallVector<Attribute> contractions;
    kernel.walk([&](lp::ContractOp op) {
      contractions.push_back(describe(op));
      op.removeChoiceAttr();
    });
    kernel.removeContractionsAttr();
    kernel.removeHashAttr();
    const std::string hash = hashOf(module);
    kernel.setContractionsAttr(b.getArrayAttr(contractions));
    kernel.setHash(hash);
  }
}

LogicalResult
lpgen::scheduleKernels(ModuleOp module,
                       const std::optional<ScheduleRequest> &request,
                       llvm::ArrayRef<TunedRules> tuned) {
  for (auto kernel : module.getOps<lp::KernelOp>()) {
    if (!targetOf(kernel)) {
      return kernel.emitOpError("is for target '")
             << kernel.getTarget().getName() << "', which lpgen does not know";
    }
    if (failed(selectSchedules(kernel, machineOf(kernel), request, tuned))) {
      return failure();
    }
  }
  recordChoices(module);
  return success();
}

namespace {
struct SelectSchedulePass
    : public lpgen::impl::SelectSchedulePassBase<SelectSchedulePass> {
  using SelectSchedulePassBase::SelectSchedulePassBase;

  void runOnOperation() override {
    std::optional<ScheduleRequest> request;
    if (!schedule.empty()) {
      std::string message;
      request = parseScheduleRequest(schedule, message);
      if (!request) {
        getOperation().emitError(message);
        return signalPassFailure();
      }
    }
    if (failed(scheduleKernels(getOperation(), request,
                               TunedRules{getOperation()}))) {
      signalPassFailure();
    }
  }
};
} // namespace
