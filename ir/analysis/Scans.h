// Running sums: reductions up to the index of an element, `sum(k <= i)`, whose
// terms are those of the element before and one more.
#ifndef LPGEN_IR_ANALYSIS_SCANS_H
#define LPGEN_IR_ANALYSIS_SCANS_H

#include "ir/dialect/Lp.h"

namespace lpgen {

/// Reductions of one statement that go on from element to element along `loop`.
struct Scan {
  unsigned loop = 0;
  llvm::SmallVector<lp::ReduceOp> reductions;
};

/// Those of `op` along the first loop that has any: their index goes from 0 up
/// to that of the loop, and no term depends on this one.
std::optional<Scan> scanOf(lp::ComputeOp op);

} // namespace lpgen

#endif // LPGEN_IR_ANALYSIS_SCANS_H
