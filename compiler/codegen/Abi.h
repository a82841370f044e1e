// The C interface around the functions of a kernel.
#ifndef LPGEN_COMPILER_CODEGEN_ABI_H
#define LPGEN_COMPILER_CODEGEN_ABI_H

#include "compiler/codegen/KernelInfo.h"
#include "targets/Target.h"
#include "llvm/ADT/ArrayRef.h"

namespace llvm {
class GlobalVariable;
class Module;
} // namespace llvm

namespace lpgen {

/// Adds to `module`, which holds the functions of phases and packers that
/// `info` names, the functions and the descriptor of base/abi/lp_kernel.h under
/// the long symbol and, if `shortNames`, under lp_<op>; everything else becomes
/// internal. `constants` are where those of `info` lie. False and a message if
/// the module's functions are not those that `info` describes.
bool emitAbi(llvm::Module &module, const KernelInfo &info,
             const TargetDesc &target, bool shortNames,
             llvm::ArrayRef<llvm::GlobalVariable *> constants,
             std::string &message);

/// The C type of a logical element: "uint8_t", "float".
std::string cTypeOf(ElementType type);
/// C header of the kernel for LLVM triple `triple`.
std::string emitHeader(const KernelInfo &info, llvm::StringRef triple,
                       bool shortNames);
/// JSON manifest.
std::string emitManifest(const KernelInfo &info, const TargetDesc &target);

} // namespace lpgen

#endif // LPGEN_COMPILER_CODEGEN_ABI_H
