// The term of a sum as a product of affine forms of tensors: what
// lp-raise-contract looks for. People and importers write `x - 128`, `x + z`,
// `2 * x - 1`, `-x`, `x * w * 2`; all of them are one form here.
#ifndef LPGEN_COMPILER_PASSES_AFFINEPRODUCT_H
#define LPGEN_COMPILER_PASSES_AFFINEPRODUCT_H

#include "ir/dialect/Lp.h"
#include <string>

namespace lpgen {

/// scale * read + offset - zero, where only `read` depends on the reduction.
struct AffineFactor {
  lp::ReadOp read;
  int64_t scale = 1;
  int64_t offset = 0;
  lp::ReadOp zero; ///< Null for none.
};

/// constant * product of `invariants` * product of `factors`.
struct AffineProduct {
  llvm::SmallVector<AffineFactor, 2> factors;
  llvm::SmallVector<mlir::Value> invariants; ///< Of the reduction.
  int64_t constant = 1;
};

/// Numbers of a form lie in [-2^31, 2^31].
constexpr int64_t maxAffineNumber = int64_t{1} << 31;

/// The term of `reduce`, a sum of integers or of products of f32, as a product
/// of two factors; nothing if it is none. Then `whyNot` says why if the term
/// multiplies what depends on the reduction, so that one could expect a
/// contraction. Factors of f32 are elements, since anything else is rounded.
std::optional<AffineProduct> matchProduct(lp::ReduceOp reduce,
                                          std::string &whyNot);

/// Moves what `value` depends on out of the body of `reduce`, of which it is
/// invariant.
void moveBefore(mlir::Value value, lp::ReduceOp reduce);

} // namespace lpgen

#endif // LPGEN_COMPILER_PASSES_AFFINEPRODUCT_H
