// Kernel information from the kernel op.
#ifndef LPGEN_COMPILER_CODEGEN_COLLECTINFO_H
#define LPGEN_COMPILER_CODEGEN_COLLECTINFO_H

#include "compiler/codegen/KernelInfo.h"
#include "ir/dialect/Lp.h"

namespace lpgen {

/// What was decided for the contractions, from stage `scheduled` on.
std::vector<ContractInfo> collectContracts(lp::KernelOp kernel);

/// What the C interface and the manifest say of the kernel. An error on the op
/// if a stage has not been reached yet: stage `tiled` completes the kernel.
mlir::FailureOr<KernelInfo> collectInfo(lp::KernelOp kernel);

} // namespace lpgen

#endif // LPGEN_COMPILER_CODEGEN_COLLECTINFO_H
