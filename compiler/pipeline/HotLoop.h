// The hot loop of a packed contraction as LLVM's model of a CPU sees it.
#ifndef LPGEN_COMPILER_PIPELINE_HOTLOOP_H
#define LPGEN_COMPILER_PIPELINE_HOTLOOP_H

#include "compiler/codegen/Mca.h"
#include "ir/analysis/PackedForm.h"
#include "targets/Target.h"

namespace lpgen {

struct HotLoop {
  McaResult mca;
  unsigned count = 0; ///< Of the cell's instruction.
  double macs = 0;    ///< Multiply-accumulates of one trip.
};

/// Finds the loop of `cell` in the assembly of a kernel and analyzes it for
/// `cpu`. An error if there is none, or if LLVM has no model of that CPU.
llvm::Expected<HotLoop> analyzeHotLoop(llvm::StringRef assembly,
                                       const Cell &cell, const PackedForm &form,
                                       const TargetDesc &target,
                                       llvm::StringRef cpu);

} // namespace lpgen

#endif // LPGEN_COMPILER_PIPELINE_HOTLOOP_H
