// MLIR text that a user wrote, or damaged.
#ifndef LPGEN_IR_DIALECT_PARSETEXT_H
#define LPGEN_IR_DIALECT_PARSETEXT_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace lpgen::lp {

/// An error where `text`, the contents of file `name`, has what MLIR's parser
/// does not survive.
llvm::LogicalResult checkText(llvm::StringRef text, mlir::MLIRContext *context,
                              llvm::StringRef name);

/// The module in `text`, the contents of file `name`; null after an error, of
/// checkText() or of the parser.
mlir::OwningOpRef<mlir::ModuleOp> parseModule(llvm::StringRef text,
                                              mlir::MLIRContext *context,
                                              llvm::StringRef name = "");

} // namespace lpgen::lp

#endif // LPGEN_IR_DIALECT_PARSETEXT_H
