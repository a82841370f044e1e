// A kernel beside outputs that another program computed for given inputs.
#ifndef LPGEN_WORKBENCH_VERIFY_GOLDEN_H
#define LPGEN_WORKBENCH_VERIFY_GOLDEN_H

#include "base/system/Status.h"
#include "workbench/verify/Verify.h"

namespace lpgen {

/// How near the outputs are.
struct GoldenReport {
  int64_t runs = 0;
  int64_t elements = 0;
  int64_t equal = 0;
  double greatest = 0; ///< Difference; infinite where one is NaN only.
};

/// Runs the kernel of an operator with one input and one output on the .npy
/// file `inputs`, whose elements are those of any number of calls one after the
/// other, and compares with those of `outputs`. Run-time sizes are 1.
Result<GoldenReport> compareWithGolden(const VerifyItem &item,
                                       const TargetDesc &target,
                                       const std::string &inputs,
                                       const std::string &outputs);

} // namespace lpgen

#endif // LPGEN_WORKBENCH_VERIFY_GOLDEN_H
