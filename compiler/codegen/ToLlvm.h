// Stage `llvm` and beyond: dialects to the LLVM dialect to an LLVM module.
#ifndef LPGEN_COMPILER_CODEGEN_TOLLVM_H
#define LPGEN_COMPILER_CODEGEN_TOLLVM_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassManager.h"
#include "targets/Target.h"
#include <memory>

namespace llvm {
class LLVMContext;
class Module;
} // namespace llvm

namespace lpgen {

/// The passes from stage `vector` to stage `llvm`.
void addLlvmPasses(mlir::OpPassManager &passes, const TargetDesc &target);

/// Dialects that the translation needs.
void registerTranslations(mlir::DialectRegistry &registry);

/// The module at stage `llvm` as LLVM IR, less its kernel op; pointers of phase
/// functions are noalias, as the C interface checks.
std::unique_ptr<llvm::Module> translate(mlir::ModuleOp module,
                                        llvm::LLVMContext &context);

} // namespace lpgen

#endif // LPGEN_COMPILER_CODEGEN_TOLLVM_H
