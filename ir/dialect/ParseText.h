// MLIR text that a user wrote, or damaged.
#ifndef LPGEN_IR_DIALECT_PARSETEXT_H
#define LPGEN_IR_DIALECT_PARSETEXT_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace lpgen::lp {

/// The module in `text`, the contents of file `name`; null after an error. What
/// MLIR's parser does not survive is an error too.
mlir::OwningOpRef<mlir::ModuleOp> parseModule(llvm::StringRef text,
                                              mlir::MLIRContext *context,
                                              llvm::StringRef name = "");

} // namespace lpgen::lp

#endif // LPGEN_IR_DIALECT_PARSETEXT_H
