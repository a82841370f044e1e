// The hot loop of a contraction. See HotLoop.h.
#include "compiler/pipeline/HotLoop.h"

using namespace lpgen;

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
                static_cast<double>(planePairs(form));
  return result;
}
