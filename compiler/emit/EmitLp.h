// Checked syntax tree -> lp dialect.
#ifndef LPGEN_COMPILER_EMIT_EMITLP_H
#define LPGEN_COMPILER_EMIT_EMITLP_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "operators/frontend/Ast.h"
#include "llvm/Support/SourceMgr.h"

namespace lpgen {

/// A module with one `lp.kernel` for `op`: run-time sizes and inputs are
/// arguments of its body, outputs are yielded, each statement is an
/// `lp.compute`. Cannot fail: the tree is checked.
mlir::OwningOpRef<mlir::ModuleOp> emitLp(mlir::MLIRContext &context,
                                         const ast::Op &op,
                                         const llvm::SourceMgr &sources,
                                         llvm::StringRef targetName);

} // namespace lpgen

#endif // LPGEN_COMPILER_EMIT_EMITLP_H
