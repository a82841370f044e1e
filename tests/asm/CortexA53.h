// Cycles of a loop on a Cortex-A53 by the issue rules that people who measured
// the core have published, where LLVM's model is coarse: it lets 128-bit loads
// go beside vector arithmetic and gives every vector instruction the same
// latency.
#ifndef LPGEN_TESTS_ASM_CORTEXA53_H
#define LPGEN_TESTS_ASM_CORTEXA53_H

#include "tests/asm/AsmLoops.h"
#include "llvm/ADT/ArrayRef.h"

namespace lpgen::asmtest {

struct A53Cycles {
  double issue = 0;   ///< By the issue rules alone.
  double inOrder = 0; ///< With results waited for, in the order of the listing.
};

/// Cycles of one trip through `body`, in a steady state, data in the
/// first-level cache. Instructions of AArch64 that compilers put into such
/// loops.
A53Cycles cyclesOnCortexA53(llvm::ArrayRef<Instruction> body);

} // namespace lpgen::asmtest

#endif // LPGEN_TESTS_ASM_CORTEXA53_H
