// One sum of products on its way to lp.contract: RaiseMatch.cpp finds out
// whether it is one, RaiseContract.cpp rewrites it, RaiseGroups.cpp does what
// is left where it is the sum of a group.
#ifndef LPGEN_COMPILER_PASSES_RAISECONTRACT_H
#define LPGEN_COMPILER_PASSES_RAISECONTRACT_H

#include "compiler/passes/AffineProduct.h"

namespace lpgen {

/// The loops of a contraction as values: index arguments of enclosing ops.
using LoopList = llvm::SmallVector<mlir::Value>;

/// `value` before its sign was extended.
mlir::Value skipCasts(mlir::Value value);
/// The extent of a loop that is an argument of lp.compute or lp.reduce.
std::pair<int64_t, mlir::Value> extentOf(mlir::Value loop);
/// True if every index is an argument of a loop op: no computed subscript.
bool isAffineInLoops(lp::ReadOp read);
/// True if every subscript is a constant, or one loop, beside multiples of
/// `groups`, and each loop is there once.
bool hasPlainSubscripts(lp::ReadOp read, mlir::ValueRange groups = {});
/// The map of `read` with dims renumbered to positions in `loops`.
mlir::AffineMap mapOver(lp::ReadOp read, const LoopList &loops);

class ContractRaiser {
public:
  explicit ContractRaiser(lp::ReduceOp reduce) : reduce(reduce) {}

  /// False, and why in `whyNot` if one could expect a contraction, if the sum
  /// stays a loop nest.
  bool match(std::string &whyNot);
  /// Returns the sum that is no more, beside the one of the products.
  mlir::Operation *rewrite();

private:
  std::string whyNotContraction();
  std::string whyNotPadded();
  bool isPlain(lp::ReadOp read);
  /// Parallel loops (those of enclosing ops, outermost first), then the
  /// reduction's.
  void collectLoops();
  /// Loops end at sizes of the kernel, not at the index of another one.
  bool hasKnownExtents();
  /// Operands are subscripted by these loops, not by sizes of the kernel.
  bool hasKnownLoops();
  /// A padding known at run time is a scalar that is read as it is; that of f32
  /// is +0.
  bool paddingFits();
  bool readsWholeSizes();
  /// Zero points are scalars, or depend on parallel loops.
  bool zeroFits(lp::ReadOp zero);
  mlir::Value finished(mlir::OpBuilder &builder, mlir::Value sum);

  // RaiseGroups.cpp
  /// The sum of products of f32 around, whose terms the sum is a part of.
  lp::ReduceOp groupsAround();
  /// Both operands have all loops of the groups, and theirs are the loops that
  /// the factors read at.
  bool fitsGroups();
  /// Their loops; none if the sum stands alone.
  mlir::ValueRange groupLoops();
  void fillFactors(lp::ContractOp contract);
  void takeColumns(lp::ContractOp contract);

  lp::ReduceOp reduce;
  lp::ReduceOp groups; ///< The sum around, whose terms scale this one; or null.
  AffineProduct product;
  AffineFactor x;
  AffineFactor w;
  LoopList loops; ///< Parallel ones, groups, those of the sum.
  unsigned parallel = 0;
  unsigned outside = 0; ///< Parallel ones and groups.
};

} // namespace lpgen

#endif // LPGEN_COMPILER_PASSES_RAISECONTRACT_H
