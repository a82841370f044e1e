// What can be told of subscripts from the IR around an op: the verifiers prove
// with it that no kernel leaves its buffers.
#ifndef LPGEN_IR_DIALECT_BOUNDS_H
#define LPGEN_IR_DIALECT_BOUNDS_H

#include "ir/dialect/Extents.h"

namespace lpgen::lp {

/// Wide enough for sums of products of 64-bit numbers.
using Int128 = __int128;

/// constant + sum of coefficient * dim.
struct LinearForm {
  llvm::SmallVector<int64_t> coefficients; ///< By dim.
  int64_t constant = 0;
};

/// `expr` over `dims` dims as a linear form; nothing if it has symbols,
/// divisions or numbers that overflow.
std::optional<LinearForm> linearForm(mlir::AffineExpr expr, unsigned dims);

/// A set of integers between two bounds.
struct IndexRange {
  Int128 low = 0;
  Int128 high = 0;
};

/// What an index can be: one of a loop, a constant, or data whose type or
/// computation bounds it. Declared ranges of inputs are not trusted.
struct IndexFacts {
  Size extent;                     ///< Of the loop; unknown if it is of none.
  std::optional<IndexRange> range; ///< Nothing if unknown.
};
IndexFacts factsOf(mlir::Value index);
/// The same of loop `number` of an op.
IndexFacts factsOf(llvm::ArrayRef<int64_t> extents, mlir::ValueRange dynamic,
                   unsigned number);

/// The values of `form`; nothing if an index in it is unknown.
std::optional<IndexRange> rangeOf(const LinearForm &form,
                                  llvm::ArrayRef<IndexFacts> indices);

/// Says where the element at `map(indices)` can lie outside of a shape with
/// these sizes; empty if nowhere. With `isLenient` what is not known of sizes
/// and indices counts as inside.
std::string whereOutside(mlir::AffineMap map,
                         llvm::ArrayRef<IndexFacts> indices,
                         llvm::ArrayRef<Size> sizes, bool isLenient);

} // namespace lpgen::lp

#endif // LPGEN_IR_DIALECT_BOUNDS_H
