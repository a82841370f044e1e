// A job of the kernel runner for one operator: names, inputs and output shapes
// from its syntax tree.
#ifndef LPGEN_WORKBENCH_VERIFY_OPJOB_H
#define LPGEN_WORKBENCH_VERIFY_OPJOB_H

#include "operators/frontend/Ast.h"
#include "workbench/run/JobFile.h"

namespace lpgen {

/// Runs `kernel` on the inputs of `op`, which come first in `tensors` and must
/// outlive the job, with the given run-time sizes. Split and description are
/// the caller's to set.
Job makeJob(const ast::Op &op, const std::string &kernel,
            llvm::ArrayRef<int64_t> sizes, llvm::ArrayRef<HostTensor> tensors);

} // namespace lpgen

#endif // LPGEN_WORKBENCH_VERIFY_OPJOB_H
