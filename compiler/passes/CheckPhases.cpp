// lp-tile: what the verifier of one op cannot prove of a phase, since it
// follows from the packed geometry, the schedule or the kernel: that memory is
// large enough and layouts are those that the code will assume.
#include "compiler/passes/Phases.h"
#include "ir/analysis/Chains.h"
#include "ir/analysis/LaneForm.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace lpgen;

/// `buffer` has at least `needed` bytes.
static LogicalResult checkBytes(Operation *op, StringRef what, Value buffer,
                                int64_t needed) {
  const int64_t found = cast<MemRefType>(buffer.getType()).getNumElements();
  if (found < needed) {
    return op->emitOpError("needs ")
           << what << " of " << needed << " bytes, found " << found;
  }
  return success();
}

LogicalResult lpgen::checkPack(lp::PackOp op) {
  std::string reason;
  auto g = Geometry::analyze(ContractShape::of(op), reason);
  lp::LayoutAttr layout = op.getLayout();
  if (!g || (layout.isOfWeights() && layout.getSums() &&
             !g->computeClasses(reason))) {
    return op.emitOpError("has no packed form: ") << reason;
  }
  for (const PositionDim &p : g->positions) {
    if (p.hasHalo && g->shape.isXDynamic[p.xDim] && !op.getSource()) {
      return op.emitOpError("needs a source for a padded dimension of run-time "
                            "size");
    }
  }
  g->setLayouts(layout, layout);
  return checkBytes(op, "a destination", op.getDestination(),
                    layout.isOfWeights() ? g->wBytes : g->xBytes);
}

/// The x of another contraction that `op`, of form `form`, writes.
template <typename Form>
static LogicalResult checkChain(lp::ContractOp op, const Form &form,
                                lp::PackOp chain) {
  if (!chain.getYielded() || chain.getLayout().isOfWeights()) {
    return chain.emitOpError("in chains must pack a yielded value as x");
  }
  if (chain.getXShape() != op.getExtents().take_front(op.getParallel())) {
    return chain.emitOpError("must have the shape of what the contraction "
                             "around it computes");
  }
  if (failed(checkPack(chain))) {
    return failure();
  }
  if (std::string reason = whyNotChained(packedGeometry(chain), form);
      !reason.empty()) {
    return chain.emitOpError("cannot be written by a contraction: ") << reason;
  }
  return success();
}

template <typename Form>
static LogicalResult checkChains(lp::ContractOp op, const Form &form) {
  for (Operation &chain : op.getChains().getOps()) {
    auto pack = dyn_cast<lp::PackOp>(chain);
    if (!pack && !isa<lp::YieldOp>(chain)) {
      return chain.emitOpError("cannot stand in chains: expected lp.pack");
    }
    if (pack && failed(checkChain(op, form, pack))) {
      return failure();
    }
  }
  return success();
}

/// With channels in the lanes: w only is packed.
static LogicalResult checkLanes(lp::ContractOp op) {
  FailureOr<LaneForm> form = scheduledLaneForm(op);
  if (failed(form)) {
    return failure();
  }
  const Geometry &g = form->unfolded.geometry;
  if (g.wLayout != *op.getWLayout()) {
    return op.emitOpError("has another layout than its schedule: expected ")
           << g.wLayout;
  }
  return failed(checkBytes(op, "packed w", op.getW(), g.wBytes))
             ? failure()
             : checkChains(op, *form);
}

static LogicalResult checkContract(lp::ContractOp op) {
  if (!op.getXLayout() && op.getWLayout()) {
    return checkLanes(op);
  }
  if (!op.getXLayout()) {
    return op.getChains().empty()
               ? success()
               : LogicalResult(op.emitOpError("has chains and no packed form"));
  }
  FailureOr<PackedForm> form = scheduledForm(op);
  if (failed(form)) {
    return failure();
  }
  const Geometry &g = form->geometry;
  if (g.xLayout != *op.getXLayout() || g.wLayout != *op.getWLayout()) {
    return op.emitOpError("has other layouts than its schedule: expected ")
           << g.xLayout << " and " << g.wLayout;
  }
  if (failed(checkBytes(op, "packed x", op.getX(), g.xBytes)) ||
      failed(checkBytes(op, "packed w", op.getW(), g.wBytes))) {
    return failure();
  }
  for (Value column : op.getColumns()) {
    if (failed(checkBytes(op, "a packed column", column, g.columnBytes()))) {
      return failure();
    }
  }
  return checkChains(op, *form);
}

LogicalResult lpgen::checkPhase(Operation *op) {
  if (auto pack = dyn_cast<lp::PackOp>(op)) {
    return pack.getYielded() ? LogicalResult(pack.emitOpError(
                                   "of a yielded value is no phase"))
                             : checkPack(pack);
  }
  auto contract = dyn_cast<lp::ContractOp>(op);
  return contract ? checkContract(contract) : success();
}

/// The greatest value of `op` if those of its operands are `lhs` and `rhs`, and
/// it grows with them; nothing for ops of another kind.
static std::optional<int64_t> mostOf(Operation &op, int64_t lhs, int64_t rhs) {
  int64_t most = 0;
  if (isa<arith::MaxSIOp>(op)) {
    return std::max(lhs, rhs);
  }
  if (isa<arith::DivUIOp>(op)) {
    const bool isByConstant = matchPattern(op.getOperand(1), m_Constant());
    return isByConstant && rhs > 0 ? std::optional(lhs / rhs) : std::nullopt;
  }
  const bool fits = isa<arith::AddIOp>(op) ? !llvm::AddOverflow(lhs, rhs, most)
                    : isa<arith::MulIOp>(op)
                        ? !llvm::MulOverflow(lhs, rhs, most)
                        : false;
  return fits ? std::optional(most) : std::nullopt;
}

llvm::DenseMap<Value, int64_t> lpgen::greatestIndices(Block &body) {
  llvm::DenseMap<Value, int64_t> most;
  for (BlockArgument argument : body.getArguments()) {
    if (auto bound = lp::KernelOp::boundOf(argument)) {
      most[argument] = *bound;
    }
  }
  for (Operation &op : body) {
    APInt constant;
    if (op.getNumResults() != 1 || !op.getResult(0).getType().isIndex()) {
      continue;
    }
    if (matchPattern(&op, m_ConstantInt(&constant))) {
      if (constant.isNonNegative()) {
        most[op.getResult(0)] = constant.getSExtValue();
      }
    } else if (op.getNumOperands() == 2) {
      auto lhs = most.find(op.getOperand(0));
      auto rhs = most.find(op.getOperand(1));
      if (lhs != most.end() && rhs != most.end()) {
        if (auto value = mostOf(op, lhs->second, rhs->second)) {
          most[op.getResult(0)] = *value;
        }
      }
    }
  }
  return most;
}

LogicalResult lpgen::checkView(memref::ViewOp view,
                               const llvm::DenseMap<Value, int64_t> &greatest) {
  auto type = cast<MemRefType>(view.getType());
  auto source = cast<MemRefType>(view.getSource().getType());
  int64_t bytes = llvm::divideCeil(type.getElementTypeBitWidth(), 8);
  size_t next = 0;
  bool isKnown = source.hasStaticShape();
  for (int64_t extent : type.getShape()) {
    if (ShapedType::isDynamic(extent)) {
      std::optional<int64_t> bound =
          lp::KernelOp::boundOf(view.getSizes()[next++]);
      isKnown &= bound.has_value();
      extent = bound.value_or(0);
    }
    isKnown &= !llvm::MulOverflow(bytes, extent, bytes);
  }
  auto offset = greatest.find(view.getByteShift());
  isKnown &= offset != greatest.end() &&
             !llvm::AddOverflow(bytes, offset->second, bytes);
  if (!isKnown || bytes > source.getNumElements()) {
    return view.emitOpError(
        "must lie within its source for all run-time sizes, "
        "at an offset that grows with them");
  }
  return success();
}
