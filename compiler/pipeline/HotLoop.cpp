// The hot loop of a contraction. See HotLoop.h.
#include "compiler/pipeline/HotLoop.h"

using namespace lpgen;

double lpgen::planePairs(const PackedForm &form) {
  return static_cast<double>(std::max<size_t>(form.x.planes.size(), 1) *
                             std::max<size_t>(form.w.planes.size(), 1));
}

llvm::Expected<HotLoop> lpgen::analyzeHotLoop(llvm::StringRef assembly,
                                              const Cell &cell,
                                              const PackedForm &form,
                                              const TargetDesc &target,
                                              llvm::StringRef cpu) {
  const CellFacts &facts = cell.facts();
  const std::string loop = findHotLoop(assembly, facts.instruction);
  HotLoop result;
  result.count = countInstruction(loop, facts.instruction);
  if (facts.instruction.empty() || result.count == 0) {
    return llvm::createStringError("none found in the assembly");
  }
  llvm::Expected<McaResult> mca =
      analyzeLoop(target.triple, cpu, target.features, loop);
  if (!mca) {
    return mca.takeError();
  }
  result.mca = *mca;
  result.macs = static_cast<double>(result.count) * facts.instructionMacs() /
                planePairs(form);
  return result;
}
