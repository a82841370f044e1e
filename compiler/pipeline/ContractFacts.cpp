// Facts of contractions from their IR. See ContractFacts.h.
#include "compiler/pipeline/ContractFacts.h"
#include "compiler/codegen/KernelInfo.h"
#include "compiler/passes/WorkspaceSlices.h"
#include "compiler/pipeline/Stages.h"
#include "mlir/Parser/Parser.h"
#include "schedules/CostModel.h"
#include "schedules/LaneCosts.h"
#include "schedules/Schedules.h"

using namespace mlir;
using namespace lpgen;

static unsigned usedBits(ElementType type, llvm::ArrayRef<int64_t> range) {
  ConstantInfo values;
  values.buffer.type = type;
  values.buffer.range = range.vec();
  return values.usedBits();
}

static ContractFacts factsOf(lp::ContractOp op) {
  const lp::ScheduleAttr schedule = *op.getSchedule();
  ContractFacts facts;
  facts.label = op.getLabel().value_or("").str();
  facts.x = lp::toElementType(op.getXElement());
  facts.w = lp::toElementType(op.getWElement());
  facts.xBits = usedBits(facts.x, op.getXRange());
  facts.wBits = usedBits(facts.w, op.getWRange());
  facts.templateName = schedule.getTemplateName().str();
  facts.cell = schedule.getCell().str();
  facts.schedule = scheduleText(schedule);
  facts.weightBytes = facts.w.storageBits() / 8;
  for (const int64_t extent : op.getWShape()) {
    facts.weightBytes *= ShapedType::isDynamic(extent) ? 0 : extent;
  }
  std::string whyNot;
  const Machine machine = machineOf(op);
  if (schedule.getTemplateName() == kLanesTemplate) {
    const Cell *cell = findCell(op, schedule.getCell());
    const auto form =
        planLaneForm(op, *cell, schedule.getTileVectors(), whyNot);
    assert(form && "a schedule with a cell applies");
    facts.cycles = cyclesOf(countLaneTerms(*form, *cell, schedule, machine),
                            *cell, machine);
    facts.weightBytes = form->unfolded.geometry.wBytes;
  } else if (const Cell *cell = packedCell(op)) {
    const auto form =
        planPackedForm(op, *cell, schedule.getTileVectors(), whyNot);
    assert(form && "a schedule with a cell applies");
    facts.cycles =
        cyclesOf(countTerms(*form, *cell, schedule, machine), *cell, machine);
    facts.weightBytes = form->geometry.wBytes;
  }
  return facts;
}

/// Runs `visit` on the module of a text that the compiler wrote.
static void parseModule(llvm::StringRef ir,
                        llvm::function_ref<void(ModuleOp)> visit) {
  DialectRegistry registry;
  registerDialects(registry);
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  context.loadAllAvailableDialects();
  const OwningOpRef<ModuleOp> module =
      parseSourceString<ModuleOp>(ir, &context);
  assert(module && "the compiler writes MLIR that parses");
  visit(*module);
}

std::vector<ContractFacts> lpgen::contractFacts(llvm::StringRef scheduledIr) {
  std::vector<ContractFacts> facts;
  parseModule(scheduledIr, [&](ModuleOp module) {
    module.walk([&](lp::ContractOp op) { facts.push_back(factsOf(op)); });
  });
  return facts;
}

/// The contraction that reads what `pack` writes, the first one of several.
static lp::ContractOp readerOf(lp::PackOp pack) {
  lp::ContractOp first;
  for (Operation *user : pack.getDestination().getUsers()) {
    auto contract = dyn_cast<lp::ContractOp>(user);
    if (contract && (!first || contract->isBeforeInBlock(first))) {
      first = contract;
    }
  }
  return first;
}

PhaseFacts lpgen::phaseFacts(llvm::StringRef packedIr) {
  PhaseFacts facts;
  const auto add = [&](std::optional<StringRef> label) {
    facts.targets.push_back(label.value_or("").str());
  };
  parseModule(packedIr, [&](ModuleOp module) {
    lp::KernelOp kernel = *module.getOps<lp::KernelOp>().begin();
    facts.mostBytesAlive = mostBytesAlive(
        llvm::to_vector(llvm::make_second_range(workspaceSlices(kernel))));
    for (Operation &op : kernel.getBody().front()) {
      if (auto pack = dyn_cast<lp::PackOp>(op)) {
        lp::ContractOp reader = readerOf(pack);
        add(reader ? reader.getLabel() : std::nullopt);
      } else if (auto compute = dyn_cast<lp::ComputeOp>(op)) {
        add(compute.getLabel());
      } else if (auto contract = dyn_cast<lp::ContractOp>(op)) {
        add(contract.getLabel());
      }
    }
  });
  return facts;
}
