// Sizes of dimensions and of loops, constant ones and those that a kernel gets
// when it runs.
#ifndef LPGEN_IR_DIALECT_EXTENTS_H
#define LPGEN_IR_DIALECT_EXTENTS_H

#include "ir/dialect/Lp.h"

namespace lpgen::lp {

/// Most elements of a dimension, and most points of a loop nest.
constexpr int64_t maxExtent = int64_t{1} << 40;
constexpr int64_t maxPoints = int64_t{1} << 62;

/// A size: a constant, or a size of the kernel, known when it runs.
struct Size {
  int64_t constant = mlir::ShapedType::kDynamic;
  mlir::Value value; ///< Null where it is constant or unknown.
  bool isConstant() const { return !mlir::ShapedType::isDynamic(constant); }
};

/// Extent `number` of `extents`, dynamic ones taken from `dynamic`.
Size extentAt(llvm::ArrayRef<int64_t> extents, mlir::ValueRange dynamic,
              unsigned number);

/// The size of a dimension of a tensor or memref.
Size sizeOf(mlir::Value shaped, unsigned dim);

/// True if neighbours in the last dimension of a tensor or memref are side by
/// side in memory: it is no view with another stride there.
bool isInnermostDense(mlir::Value shaped);

/// The extent of the loop whose index `index` is; unknown if it is none.
Size loopExtent(mlir::Value index);

/// The greatest value of a size; 0 if unknown.
int64_t mostOf(const Size &size);

/// What is wrong with the extents of loops; empty if nothing: each is positive,
/// their product fits, and dynamic ones have a declared bound if they must.
std::string faultOfExtents(llvm::ArrayRef<int64_t> extents,
                           mlir::ValueRange dynamic, bool needsBounds = true);

} // namespace lpgen::lp

#endif // LPGEN_IR_DIALECT_EXTENTS_H
