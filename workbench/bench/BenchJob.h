// The job file that `lpgen bench` hands to lpgen-bench.
#ifndef LPGEN_WORKBENCH_BENCH_BENCHJOB_H
#define LPGEN_WORKBENCH_BENCH_BENCHJOB_H

#include "base/system/Status.h"
#include "compiler/pipeline/Compile.h"
#include "operators/frontend/Ast.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/JSON.h"
#include <string>

namespace lpgen {

/// One kernel of the job: `compiled` from `op` and linked to `library`, to be
/// run for the given run-time sizes. `library` is "" for a kernel that will be
/// linked into the program that measures.
Result<llvm::json::Value> benchKernelToJson(const ast::Op &op,
                                            const CompiledOp &compiled,
                                            const std::string &library,
                                            llvm::json::Array estimates,
                                            llvm::ArrayRef<int64_t> sizes);

} // namespace lpgen

#endif // LPGEN_WORKBENCH_BENCH_BENCHJOB_H
