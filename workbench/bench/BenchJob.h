// The job that `lpgen bench` hands to lpgen-bench: its kernels.
#ifndef LPGEN_WORKBENCH_BENCH_BENCHJOB_H
#define LPGEN_WORKBENCH_BENCH_BENCHJOB_H

#include "operators/frontend/Ast.h"
#include "workbench/layers/LayerTable.h"
#include "workbench/measure/Job.h"
#include "llvm/ADT/ArrayRef.h"
#include <string>

namespace lpgen {

/// One kernel of the job: `network` from `op` and linked to `library`, to be
/// run for the given run-time sizes. `library` is "" for a kernel that will be
/// linked into the program that measures.
BenchKernel describeKernel(const ast::Op &op, const CompiledNetwork &network,
                           const std::string &library,
                           std::vector<Estimate> estimates,
                           llvm::ArrayRef<int64_t> sizes);

} // namespace lpgen

#endif // LPGEN_WORKBENCH_BENCH_BENCHJOB_H
