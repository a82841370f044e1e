// lp-narrow-reductions: reductions whose values fit 16 bits, in 16 bits.
//
// The language computes in 32 bits. Where the elements are so narrow that no
// value of a reduction leaves 16 bits, not even a partial sum, vectors of twice
// as many lanes do the same: depthwise convolution, pooling.
#include "compiler/passes/Emitter.h"
#include "compiler/passes/Ranges.h"

namespace lpgen {
#define GEN_PASS_DEF_NARROWREDUCTIONSPASS
#include "compiler/passes/Passes.h.inc"
} // namespace lpgen

using namespace mlir;
using namespace lpgen;

namespace {

constexpr unsigned narrowBits = 16;

/// The signed range of an integer; nothing if none was found.
std::optional<ConstantIntRanges> rangeOf(Value v,
                                         const DataFlowSolver &solver) {
  const auto *state = solver.lookupState<dataflow::IntegerValueRangeLattice>(v);
  if (!v.getType().isInteger() || !state ||
      state->getValue().isUninitialized()) {
    return std::nullopt;
  }
  return state->getValue().getValue();
}

bool fits(const std::optional<ConstantIntRanges> &range) {
  return range && range->smin().isSignedIntN(narrowBits) &&
         range->smax().isSignedIntN(narrowBits);
}

/// Has a form for integers of every width, given operands that have one.
bool isNarrowable(Operation &op) {
  if (auto read = dyn_cast<lp::ReadOp>(op)) {
    return !read.getPadScalar();
  }
  return isa<arith::AddIOp, arith::SubIOp, arith::MulIOp, arith::MaxSIOp,
             arith::MinSIOp>(op) &&
         llvm::all_of(op.getOperands(), [&](Value operand) {
           return operand.getParentBlock() == op.getBlock() ||
                  matchPattern(operand, m_Constant());
         });
}

/// Partial sums included, and what a reduction starts from: it has terms.
bool fitsReduced(lp::ReduceOp reduce, const ConstantIntRanges &term) {
  if (ShapedType::isDynamicShape(reduce.getExtents())) {
    return false;
  }
  if (reduce.getKind() == lp::ReduceKind::Max ||
      reduce.getKind() == lp::ReduceKind::Min) {
    return true;
  }
  if (reduce.getKind() != lp::ReduceKind::Sum) {
    return false;
  }
  // Terms fit 16 bits: with so few of them, 32 bits hold the sum.
  constexpr int64_t mostTerms = int64_t{1} << narrowBits;
  int64_t terms = 1;
  for (int64_t extent : reduce.getExtents()) {
    terms *= std::min(extent, mostTerms + 1);
    if (terms > mostTerms) {
      return false;
    }
  }
  return llvm::isIntN(narrowBits, terms * term.smin().getSExtValue()) &&
         llvm::isIntN(narrowBits, terms * term.smax().getSExtValue());
}

bool canNarrow(lp::ReduceOp reduce, const DataFlowSolver &solver) {
  auto loop = dyn_cast<scf::ForOp>(reduce->getParentOp());
  if (!loop ||
      !lp::LpDialect::ElementwiseAttrHelper(reduce.getContext())
           .isAttrPresent(loop) ||
      !reduce.getType().isInteger() || reduce.isIndex()) {
    return false;
  }
  Block &body = reduce.getBody().front();
  for (Operation &op : body.without_terminator()) {
    if (!isNarrowable(op) || !fits(rangeOf(op.getResult(0), solver))) {
      return false;
    }
    for (Value operand : op.getOperands()) {
      if (matchPattern(operand, m_Constant()) && !operand.getType().isIndex() &&
          !fits(rangeOf(operand, solver))) {
        return false;
      }
    }
  }
  Value term = cast<lp::YieldOp>(body.getTerminator()).getValues()[0];
  return term.getParentBlock() == &body &&
         fitsReduced(reduce, *rangeOf(term, solver));
}

void narrow(lp::ReduceOp reduce) {
  OpBuilder b(reduce);
  mlir::Type type = b.getIntegerType(narrowBits);
  auto narrowed = [&](IntegerAttr value) {
    return b.getIntegerAttr(type, value.getValue().getSExtValue());
  };
  for (Operation &op : reduce.getBody().front().without_terminator()) {
    for (OpOperand &operand : op.getOpOperands()) {
      IntegerAttr constant;
      if (!operand.get().getType().isIndex() &&
          matchPattern(operand.get(), m_Constant(&constant))) {
        operand.set(
            arith::ConstantOp::create(b, op.getLoc(), narrowed(constant)));
      }
    }
    if (auto read = dyn_cast<lp::ReadOp>(op)) {
      if (auto pad = dyn_cast_if_present<IntegerAttr>(read.getPadAttr())) {
        read.setPadAttr(narrowed(pad));
      }
    }
    op.getResult(0).setType(type);
  }
  mlir::Type wide = reduce.getType();
  reduce.getResult().setType(type);
  b.setInsertionPointAfter(reduce);
  auto result =
      arith::ExtSIOp::create(b, reduce.getLoc(), wide, reduce.getResult());
  reduce.getResult().replaceAllUsesExcept(result, result);
}

struct NarrowReductionsPass
    : public lpgen::impl::NarrowReductionsPassBase<NarrowReductionsPass> {
  void runOnOperation() override {
    DataFlowSolver solver;
    if (failed(findRanges(getOperation(), solver))) {
      return signalPassFailure();
    }
    SmallVector<lp::ReduceOp> reductions;
    getOperation().walk([&](lp::ReduceOp reduce) {
      if (canNarrow(reduce, solver)) {
        reductions.push_back(reduce);
      }
    });
    llvm::for_each(reductions, narrow);
  }
};

} // namespace
