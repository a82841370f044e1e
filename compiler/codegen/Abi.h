// The C interface around the functions of a kernel.
#ifndef LPGEN_COMPILER_CODEGEN_ABI_H
#define LPGEN_COMPILER_CODEGEN_ABI_H

#include "compiler/codegen/KernelInfo.h"
#include "targets/Target.h"

namespace llvm {
class Module;
} // namespace llvm

namespace lpgen {

/// Adds to `module`, which holds `<op>.phaseN`, `<op>.tasksN` and
/// `<op>.pack.<buffer>`, the functions and the descriptor of
/// base/abi/lp_kernel.h under the long symbol and, if `shortNames`, under
/// lp_<op>; everything else becomes internal.
void emitAbi(llvm::Module &module, const KernelInfo &info,
             const TargetDesc &target, bool shortNames);

/// C header of the kernel for LLVM triple `triple`.
std::string emitHeader(const KernelInfo &info, llvm::StringRef triple,
                       bool shortNames);
/// JSON manifest.
std::string emitManifest(const KernelInfo &info, const TargetDesc &target);

} // namespace lpgen

#endif // LPGEN_COMPILER_CODEGEN_ABI_H
