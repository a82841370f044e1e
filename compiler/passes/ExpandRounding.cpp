// lp-expand-rounding: rounding of f32 without rounding instructions, for CPUs
// whose baseline has none; calls to libm are out of reach of a freestanding
// kernel.
//
// Below 2^23 in magnitude, (x + M) - M with M = copysign(2^23, x) rounds to the
// nearest integer, ties to even, because that is what the addition itself does;
// from 2^23 on every f32 is an integer. The sign of a zero may be lost; values
// go to integers next.
#include "compiler/passes/Emitter.h"

namespace lpgen {
#define GEN_PASS_DEF_EXPANDROUNDINGPASS
#include "compiler/passes/Passes.h.inc"
} // namespace lpgen

using namespace mlir;
using namespace lpgen;

namespace {

class Rounder {
public:
  Rounder(OpBuilder &b, Location loc, Value x) : b(b), loc(loc), x(x) {
    Value limit = constant(8388608.0F);
    Value magic = math::CopySignOp::create(b, loc, limit, x);
    Value rounded = arith::SubFOp::create(
        b, loc, arith::AddFOp::create(b, loc, x, magic), magic);
    Value small = compare(arith::CmpFPredicate::OLT,
                          math::AbsFOp::create(b, loc, x), limit);
    nearest = arith::SelectOp::create(b, loc, small, rounded, x);
  }
  Value even() { return nearest; }
  Value floor() {
    Value one = arith::SubFOp::create(b, loc, nearest, constant(1.0F));
    return arith::SelectOp::create(
        b, loc, compare(arith::CmpFPredicate::OGT, nearest, x), one, nearest);
  }
  Value ceil() {
    Value one = arith::AddFOp::create(b, loc, nearest, constant(1.0F));
    return arith::SelectOp::create(
        b, loc, compare(arith::CmpFPredicate::OLT, nearest, x), one, nearest);
  }
  Value trunc() {
    return arith::SelectOp::create(
        b, loc, compare(arith::CmpFPredicate::OLT, x, constant(0.0F)), ceil(),
        floor());
  }

private:
  Value constant(float v) {
    TypedAttr attr = b.getF32FloatAttr(v);
    if (auto vector = dyn_cast<VectorType>(x.getType())) {
      attr = DenseElementsAttr::get(vector, attr);
    }
    return arith::ConstantOp::create(b, loc, attr);
  }
  Value compare(arith::CmpFPredicate predicate, Value l, Value r) {
    return arith::CmpFOp::create(b, loc, predicate, l, r);
  }
  OpBuilder &b;
  Location loc;
  Value x;
  Value nearest;
};

struct ExpandRoundingPass
    : public lpgen::impl::ExpandRoundingPassBase<ExpandRoundingPass> {
  void runOnOperation() override {
    SmallVector<Operation *> ops;
    getOperation().walk([&](Operation *op) {
      if (isa<math::RoundEvenOp, math::FloorOp, math::CeilOp, math::TruncOp,
              LLVM::LrintOp>(op)) {
        ops.push_back(op);
      }
    });
    for (Operation *op : ops) {
      OpBuilder builder(op);
      Rounder rounder(builder, op->getLoc(), op->getOperand(0));
      Value result = isa<math::RoundEvenOp, LLVM::LrintOp>(op) ? rounder.even()
                     : isa<math::FloorOp>(op)                  ? rounder.floor()
                     : isa<math::CeilOp>(op) ? rounder.ceil()
                                             : rounder.trunc();
      if (isa<LLVM::LrintOp>(op)) { // of what was clamped
        result = arith::FPToSIOp::create(builder, op->getLoc(),
                                         op->getResult(0).getType(), result);
      }
      op->getResult(0).replaceAllUsesWith(result);
      op->erase();
    }
  }
};

} // namespace
