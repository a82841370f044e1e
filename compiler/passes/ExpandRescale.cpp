// lp-expand-rescale: sums times fixed-point factors, by the target's
// instructions where it has some for vectors, else in 64 bits as they are
// defined.
#include "compiler/passes/Emitter.h"
#include "ir/analysis/PackedForm.h"
#include "targets/Target.h"

namespace lpgen {
#define GEN_PASS_DEF_EXPANDRESCALEPASS
#include "compiler/passes/Passes.h.inc"
} // namespace lpgen

using namespace mlir;
using namespace lpgen;

namespace {

/// (x * multiplier >> shift) + 1 >> 1
Value expandWide(lp::RescaleOp op, OpBuilder &b) {
  Location loc = op.getLoc();
  auto vector = dyn_cast<VectorType>(op.getType());
  mlir::Type wide =
      vector ? mlir::Type(vector.clone(b.getI64Type())) : b.getI64Type();
  const auto extend = [&](Value v) -> Value {
    return arith::ExtSIOp::create(b, loc, wide, v);
  };
  TypedAttr one = b.getI64IntegerAttr(1);
  if (vector) {
    one = DenseElementsAttr::get(cast<VectorType>(wide), one);
  }
  Value c1 = arith::ConstantOp::create(b, loc, one);
  Value product = arith::MulIOp::create(b, loc, extend(op.getX()),
                                        extend(op.getMultiplier()));
  Value result = arith::ShRSIOp::create(b, loc, product, extend(op.getShift()));
  result = arith::AddIOp::create(b, loc, result, c1);
  result = arith::ShRSIOp::create(b, loc, result, c1);
  return arith::TruncIOp::create(b, loc, op.getType(), result);
}

struct ExpandRescalePass
    : public lpgen::impl::ExpandRescalePassBase<ExpandRescalePass> {
  void runOnOperation() override {
    const Target *target = targetOf(getOperation());
    const Rescale ofTarget = target ? target->desc().rescale : nullptr;
    SmallVector<lp::RescaleOp> ops;
    getOperation().walk([&](lp::RescaleOp op) { ops.push_back(op); });
    for (lp::RescaleOp op : ops) {
      OpBuilder b(op);
      op.replaceAllUsesWith(
          ofTarget && isa<VectorType>(op.getType())
              ? ofTarget(b, op.getLoc(), op.getX(), op.getMultiplier(),
                         op.getShift(),
                         static_cast<int64_t>(op.getLeastShift()))
              : expandWide(op, b));
      op.erase();
    }
  }
};

} // namespace
