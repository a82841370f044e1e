// What reductions start from and how they combine terms: for loops over a
// reduction's indices, and for those that carry it from one element to the
// next.
#ifndef LPGEN_COMPILER_PASSES_REDUCTIONS_H
#define LPGEN_COMPILER_PASSES_REDUCTIONS_H

#include "compiler/passes/Emitter.h"

namespace lpgen {

/// What `op` carries before its first term: its value, for argmax and argmin
/// the best term and its index. The value is the last.
llvm::SmallVector<mlir::Value> startOf(lp::ReduceOp op, Emitter &e);

/// What it carries on, from what it carried and what its body yields at
/// `indices`.
llvm::SmallVector<mlir::Value> combine(lp::ReduceOp op, Emitter &e,
                                       llvm::ArrayRef<mlir::Value> carried,
                                       mlir::ValueRange terms,
                                       llvm::ArrayRef<mlir::Value> indices);

} // namespace lpgen

#endif // LPGEN_COMPILER_PASSES_REDUCTIONS_H
