// The hot loop of a kernel under MCA. See BenchEstimates.h.
#include "workbench/bench/BenchEstimates.h"
#include "compiler/pipeline/HotLoop.h"
#include "compiler/pipeline/Stages.h"
#include "mlir/Parser/Parser.h"
#include "schedules/Schedules.h"
#include "llvm/TargetParser/Triple.h"

namespace lpgen {

namespace {
/// A CPU and LLVM's scheduling model that describes it best.
struct ModelledCpu {
  const char *name;
  const char *model;
};
} // namespace

/// The Cortex-A76's own name has an older core's model; Neoverse N1 is the same
/// design.
static constexpr ModelledCpu armCpus[] = {{"Cortex-A53", "cortex-a53"},
                                          {"Cortex-A55", "cortex-a55"},
                                          {"Cortex-A76", "neoverse-n1"}};

bool hasEstimates(const Target &target) {
  return llvm::Triple(target.desc().triple).isAArch64();
}

std::vector<Estimate> estimateLoops(const std::string &scheduledIr,
                                    const CompiledOp &compiled,
                                    const Target &target) {
  std::vector<Estimate> estimates;
  if (!hasEstimates(target)) {
    return estimates;
  }
  mlir::DialectRegistry registry;
  registerDialects(registry);
  mlir::MLIRContext context(registry);
  context.loadAllAvailableDialects();
  auto module = mlir::parseSourceString<mlir::ModuleOp>(scheduledIr, &context);
  llvm::SmallVector<lp::ContractOp> contracts;
  module->walk([&](lp::ContractOp op) { contracts.push_back(op); });
  // Loops of several contractions cannot be told apart.
  if (contracts.size() != 1) {
    return estimates;
  }
  lp::ContractOp op = contracts.front();
  const Cell *cell = packedCell(op);
  if (!cell) {
    return estimates;
  }
  std::string whyNot;
  const auto form =
      planPackedForm(op, *cell, op.getSchedule()->getTileVectors(), whyNot);
  for (const ModelledCpu &cpu : armCpus) {
    llvm::Expected<HotLoop> loop = analyzeHotLoop(
        compiled.assembly, *cell, *form, target.desc(), cpu.model);
    if (!loop) {
      llvm::consumeError(loop.takeError());
      continue;
    }
    estimates.push_back({std::string(cpu.name) + " (LLVM: " + cpu.model + ")",
                         double(loop->macs) / loop->mca.blockRThroughput});
  }
  return estimates;
}

} // namespace lpgen
