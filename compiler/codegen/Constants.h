// The constants of a kernel as data of its object.
//
// A constant that a contraction reads packed is packed here and now: by the
// packer of the kernel itself, compiled for the building machine and run. So
// there is one packer, and the bytes are those that `pack` would give for the
// same values, whatever the target.
#ifndef LPGEN_COMPILER_CODEGEN_CONSTANTS_H
#define LPGEN_COMPILER_CODEGEN_CONSTANTS_H

#include "base/tensor/Tensor.h"
#include "compiler/codegen/KernelInfo.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"

namespace llvm {
class GlobalVariable;
class Module;
} // namespace llvm

namespace lpgen {

/// Adds to `module`, which has its target's data layout, the constants of
/// `info`, whose logical values are `values`, and removes their packers. Equal
/// bytes are stored once. Nothing and a message on failure.
std::optional<llvm::SmallVector<llvm::GlobalVariable *>>
embedConstants(llvm::Module &module, const KernelInfo &info,
               llvm::ArrayRef<const HostTensor *> values, std::string &message);

} // namespace lpgen

#endif // LPGEN_COMPILER_CODEGEN_CONSTANTS_H
