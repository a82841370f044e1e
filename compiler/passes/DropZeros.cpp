// lp-drop-zeros: taps and channels whose weights are all zero. A reduction loop
// keeps the slices of a constant w that its values need.
#include "ir/analysis/Geometry.h"
#include "ir/dialect/Bounds.h"

namespace lpgen {
#define GEN_PASS_DEF_DROPZEROSPASS
#include "compiler/passes/Passes.h.inc"
} // namespace lpgen

using namespace mlir;
using namespace lpgen;

/// The buffer of a constant w of which a product with 0 is 0; null if w is
/// none.
static lp::BufferAttr constantOf(lp::ContractOp op) {
  auto argument = dyn_cast<BlockArgument>(op.getW());
  auto kernel = argument ? dyn_cast_if_present<lp::KernelOp>(
                               argument.getOwner()->getParentOp())
                         : lp::KernelOp();
  lp::BufferAttr buffer = kernel ? kernel.bufferOf(argument) : nullptr;
  const bool hasZeros = buffer && !buffer.getLive().empty() &&
                        op.accumulatorType().isInteger() && !op.getWZero() &&
                        !op.getWZeroColumn() && op.affineOfW().offset == 0;
  return hasZeros ? buffer : nullptr;
}

static bool hasPackedForm(const ContractShape &shape) {
  std::string reason;
  return Geometry::analyze(shape, reason).has_value();
}

/// `shape` with those trips of `loop` only that `slices` has.
static ContractShape within(ContractShape shape, unsigned loop,
                            lp::Slices slices) {
  MLIRContext *context = shape.xMap.getContext();
  SmallVector<AffineExpr> loops;
  for (unsigned i = 0; i < shape.extents.size(); ++i) {
    loops.push_back(getAffineDimExpr(i, context));
  }
  loops[loop] = loops[loop] * slices.step + slices.first;
  for (AffineMap *map : {&shape.xMap, &shape.wMap}) {
    *map = map->replaceDimsAndSymbols(loops, {}, map->getNumDims(), 0);
  }
  shape.extents[loop] = slices.count;
  return shape;
}

/// The reduction loop that is subscript `dim` of w alone.
static std::optional<unsigned> reductionAt(lp::ContractOp op, unsigned dim) {
  auto expr = dyn_cast<AffineDimExpr>(op.getWMap().getResult(dim));
  const bool isReduction =
      expr && expr.getPosition() >= op.getParallel() + op.numGroups() &&
      !ShapedType::isDynamic(op.getExtents()[expr.getPosition()]);
  return isReduction ? std::optional(expr.getPosition()) : std::nullopt;
}

/// Leaves out what it can without losing a packed form.
static void dropZeros(lp::ContractOp op) {
  const lp::BufferAttr buffer = constantOf(op);
  if (!buffer) {
    return;
  }
  ContractShape shape = ContractShape::of(op);
  const bool isPacked = hasPackedForm(shape);
  SmallVector<int64_t> extents(op.getExtents());
  for (unsigned dim = 0; dim < shape.wShape.size(); ++dim) {
    const std::optional<unsigned> loop = reductionAt(op, dim);
    const lp::Slices live = buffer.liveAt(dim);
    if (!loop || live.count == shape.extents[*loop]) {
      continue;
    }
    // Every second channel, or those from the second on, have no packed form;
    // those up to the last one have.
    const int64_t span = (live.count - 1) * live.step + 1;
    for (const lp::Slices &slices : {live, lp::Slices{live.first, 1, span},
                                     lp::Slices{0, 1, live.first + span}}) {
      ContractShape less = within(shape, *loop, slices);
      if (!isPacked || hasPackedForm(less)) {
        shape = std::move(less);
        extents[*loop] = slices.count;
        break;
      }
    }
  }
  op.setExtents(extents);
  op.setXMap(shape.xMap);
  op.setWMap(shape.wMap);
}

namespace {
struct DropZerosPass : public lpgen::impl::DropZerosPassBase<DropZerosPass> {
  void runOnOperation() override { getOperation().walk(dropZeros); }
};
} // namespace
