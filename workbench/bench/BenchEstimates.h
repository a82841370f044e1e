// How fast kernels should be on CPUs that are not here, by LLVM's machine code
// analyzer.
#ifndef LPGEN_WORKBENCH_BENCH_BENCHESTIMATES_H
#define LPGEN_WORKBENCH_BENCH_BENCHESTIMATES_H

#include "compiler/pipeline/Compile.h"
#include "workbench/measure/Job.h"
#include <string>
#include <vector>

namespace lpgen {

/// True for AArch64.
bool hasEstimates(const Target &target);

/// For an AArch64 kernel: the speed of its only contraction's hot loop on the
/// Cortex-A53, A55 and A76, by the throughput of their units alone. Empty for
/// other targets and where there is no such loop. `scheduledIr` is the
/// operator's MLIR at stage `scheduled`; `compiled` has assembly if
/// hasEstimates().
std::vector<Estimate> estimateLoops(const std::string &scheduledIr,
                                    const CompiledOp &compiled,
                                    const Target &target);

} // namespace lpgen

#endif // LPGEN_WORKBENCH_BENCH_BENCHESTIMATES_H
