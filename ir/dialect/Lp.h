// The lp dialect: types, attributes and operations.
#ifndef LPGEN_IR_DIALECT_LP_H
#define LPGEN_IR_DIALECT_LP_H

#include "base/types/ComputedSize.h"
#include "base/types/ElementType.h"
#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/InferIntRangeInterface.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace lpgen::lp {
/// The farthest that a schedule may fetch ahead, in bytes.
inline constexpr int64_t kMostPrefetch = int64_t{1} << 20;
/// The numbers of fours, 1, 2, 4, 8, of which constants have sums of pairs.
inline constexpr size_t kNumPairRuns = 4;

/// Positions first + i * step of a dimension, for i below `count`.
struct Slices {
  int64_t first = 0;
  int64_t step = 1;
  int64_t count = 0;
};
} // namespace lpgen::lp

#include "ir/dialect/LpDialect.h.inc"
#include "ir/dialect/LpEnums.h.inc"
#define GET_TYPEDEF_CLASSES
#include "ir/dialect/LpTypes.h.inc"
#define GET_ATTRDEF_CLASSES
#include "ir/dialect/LpAttrs.h.inc"
#define GET_OP_CLASSES
#include "ir/dialect/LpOps.h.inc"

namespace lpgen::lp {

/// The MLIR type that stands for a language type: !lp.int for narrow integers,
/// builtin types for i32, i64 and floats.
mlir::Type getElementType(mlir::MLIRContext *context, ElementType type);

/// The language type of an element: !lp.int, or i32, i64, a float.
ElementType toElementType(mlir::Type type);

/// The builtin type that stores an element in a logical tensor: i8, i16, i32,
/// i64, f32.
mlir::Type getStorageType(mlir::Type element);

/// The kernel that `op` is in or belongs to: the first one of its module; null
/// if there is none.
KernelOp kernelOf(mlir::Operation *op);

/// The packs in `chains` of a contraction.
llvm::SmallVector<PackOp> chainedPacks(ContractOp contract);

} // namespace lpgen::lp

#endif // LPGEN_IR_DIALECT_LP_H
