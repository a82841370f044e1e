// Kernel information from IR.
#ifndef LPGEN_COMPILER_CODEGEN_COLLECTINFO_H
#define LPGEN_COMPILER_CODEGEN_COLLECTINFO_H

#include "compiler/codegen/KernelInfo.h"
#include "mlir/IR/BuiltinOps.h"

namespace lpgen {

/// Contractions and their schedules, from stage `scheduled`.
std::vector<ContractInfo> collectContracts(mlir::ModuleOp module);
/// SHA-256 of the IR's text and the compiler's version, in hex.
std::string hashOf(mlir::ModuleOp module);
/// Buffers, sizes and phases, from stage `tiled`; contracts and hash are left
/// empty.
KernelInfo collectInfo(mlir::ModuleOp module);

/// Writes `info` to attribute `lp.info` of the module, and reads it back.
void storeInfo(mlir::ModuleOp module, const KernelInfo &info);
std::optional<KernelInfo> loadInfo(mlir::ModuleOp module);

} // namespace lpgen

#endif // LPGEN_COMPILER_CODEGEN_COLLECTINFO_H
