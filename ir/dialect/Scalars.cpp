// See Scalars.h.
#include "ir/dialect/Scalars.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace lpgen;
using namespace lpgen::lp;

/// Elements, and integers of the widths that scalars and storage have.
static bool isScalarType(mlir::Type type) {
  return type.isIndex() || type.isInteger(1) || type.isInteger(8) ||
         type.isInteger(16) || isElementType(type);
}

Operation *lp::findNonScalar(Region &region) {
  Operation *found = nullptr;
  region.walk<WalkOrder::PreOrder>([&](Operation *op) {
    const bool isElementOp = isa<ReadOp, QuantizeOp, RequantizeOp, ThresholdOp,
                                 RandomOp, FunctionOp, ReduceOp, YieldOp>(op);
    const bool isArithmetic =
        isa_and_present<arith::ArithDialect, math::MathDialect>(
            op->getDialect()) &&
        op->getNumRegions() == 0;
    const bool isScalar =
        llvm::all_of(op->getResultTypes(), isScalarType) &&
        (isElementOp || llvm::all_of(op->getOperandTypes(), isScalarType));
    if ((isElementOp || isArithmetic) && isScalar) {
      return WalkResult::advance();
    }
    found = op;
    return WalkResult::interrupt();
  });
  return found;
}

bool lp::isElementType(mlir::Type type) {
  if (!isa<IntType, IntegerType, FloatType>(type)) {
    return false;
  }
  const ElementType element = toElementType(type);
  return llvm::any_of(elementTypes,
                      [&](const TypeFamily &family) {
                        return family.encoding == element.encoding &&
                               family.holds(element.bits);
                      }) &&
         getElementType(type.getContext(), element) == type;
}

bool lp::holdsElement(mlir::Type shaped, mlir::Type element) {
  mlir::Type has = cast<ShapedType>(shaped).getElementType();
  return isElementType(element) &&
         has == (isa<MemRefType>(shaped) ? getStorageType(element) : element);
}
