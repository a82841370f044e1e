// lp-raise-threshold: sums of comparisons with a row of levels to lp.threshold.
#include "compiler/passes/Passes.h"

namespace lpgen {
#define GEN_PASS_DEF_RAISETHRESHOLDPASS
#include "compiler/passes/Passes.h.inc"
} // namespace lpgen

using namespace mlir;
using namespace lpgen;

namespace {

/// `value >= level` as operands of a comparison of integers or of f32.
std::optional<std::pair<Value, Value>> matchReached(Value bit) {
  if (auto cmp = bit.getDefiningOp<arith::CmpIOp>();
      cmp && cmp.getPredicate() == arith::CmpIPredicate::sge) {
    return std::pair(cmp.getLhs(), cmp.getRhs());
  }
  if (auto cmp = bit.getDefiningOp<arith::CmpFOp>();
      cmp && cmp.getPredicate() == arith::CmpFPredicate::OGE) {
    return std::pair(cmp.getLhs(), cmp.getRhs());
  }
  return std::nullopt;
}

/// True if `value` is the same in every step of `reduce`; a read in its body at
/// indices from outside moves before it.
bool hoist(Value value, lp::ReduceOp reduce) {
  if (value.getParentRegion()->isProperAncestor(&reduce.getBody())) {
    return true;
  }
  auto read = value.getDefiningOp<lp::ReadOp>();
  if (!read || !llvm::all_of(read->getOperands(), [&](Value operand) {
        return operand.getParentRegion()->isProperAncestor(&reduce.getBody());
      })) {
    return false;
  }
  read->moveBefore(reduce);
  return true;
}

/// Replaces `reduce` if it is sum(k) (value >= levels[..., k, ...]).
void raise(lp::ReduceOp reduce) {
  ArrayRef<int64_t> extents = reduce.getExtents();
  if (reduce.getKind() != lp::ReduceKind::Sum || extents.size() != 1 ||
      extents[0] < 1 || !reduce.getType().isInteger(32)) {
    return;
  }
  Block &body = reduce.getBody().front();
  Value term = cast<lp::YieldOp>(body.getTerminator()).getValues()[0];
  auto extend = term.getDefiningOp<arith::ExtUIOp>();
  auto reached = extend ? matchReached(extend.getIn()) : std::nullopt;
  auto level = reached ? reached->second.getDefiningOp<lp::ReadOp>() : nullptr;
  if (!level || level.mayBeOutside() ||
      llvm::any_of(level.getDivisors(), [](int64_t d) { return d != 1; })) {
    return;
  }
  // The index of the level comes last in the map of lp.threshold.
  Value k = body.getArgument(0);
  SmallVector<Value> indices;
  SmallVector<AffineExpr> dims;
  size_t outer = llvm::count_if(level.getIndices(),
                                [&](Value index) { return index != k; });
  for (Value index : level.getIndices()) {
    if (index != k &&
        !index.getParentRegion()->isProperAncestor(&reduce.getBody())) {
      return;
    }
    size_t position = index == k ? outer : indices.size();
    dims.push_back(getAffineDimExpr(position, reduce.getContext()));
    if (index != k) {
      indices.push_back(index);
    }
  }
  if (!hoist(reached->first, reduce)) {
    return;
  }
  OpBuilder builder(reduce);
  AffineMap map = level.getMap().replaceDimsAndSymbols(dims, {}, outer + 1, 0);
  auto threshold = lp::ThresholdOp::create(
      builder, reduce.getLoc(), builder.getI32Type(), reached->first,
      level.getSource(), indices, map, extents[0], mlir::TypeAttr());
  reduce.replaceAllUsesWith(threshold.getResult());
  reduce.erase();
}

struct RaiseThresholdPass
    : public lpgen::impl::RaiseThresholdPassBase<RaiseThresholdPass> {
  void runOnOperation() override {
    SmallVector<lp::ReduceOp> reductions;
    getOperation().walk([&](lp::ReduceOp op) { reductions.push_back(op); });
    llvm::for_each(reductions, raise);
  }
};

} // namespace
