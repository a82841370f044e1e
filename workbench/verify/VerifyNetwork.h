// Verification of a network, layer by layer.
//
// What lies between the layers of a kernel is in no buffer, and often only
// packed. So a second kernel with the same schedules also stores the results of
// all layers. These are compared with the interpreter's; the outputs of the
// kernel itself, for every split of its tasks, with those of the second one.
#ifndef LPGEN_WORKBENCH_VERIFY_VERIFYNETWORK_H
#define LPGEN_WORKBENCH_VERIFY_VERIFYNETWORK_H

#include "workbench/verify/LayerChecks.h"

namespace lpgen {

/// A compiled kernel, found by its symbol.
struct VerifiedKernel {
  std::string symbol;
  llvm::StringRef object;
};

/// Verifies `kernel` of `op` with the help of `observed`, one of
/// `checks.observed()`. One of the two must be compiled without short names.
Result<VerifyReport> verifyNetwork(const ast::Op &op, const LayerChecks &checks,
                                   const VerifiedKernel &kernel,
                                   const VerifiedKernel &observed,
                                   const TargetDesc &target,
                                   const VerifyOptions &options);

} // namespace lpgen

#endif // LPGEN_WORKBENCH_VERIFY_VERIFYNETWORK_H
