// lp-expand-fma: fused multiply-adds of f32 without instructions for them, for
// CPUs whose baseline has none; a call to libm is out of reach of a
// freestanding kernel.
//
// In f64 the product of two f32 is exact. The sum is rounded to odd there: what
// it loses is known exactly, and if it lost anything and its last bit is 0, it
// goes one step towards what it lost. With 53 bits that says on which side of a
// tie of 24 bits the exact sum lies, so that the second rounding gives what one
// would.
#include "compiler/passes/Emitter.h"

namespace lpgen {
#define GEN_PASS_DEF_EXPANDFMAPASS
#include "compiler/passes/Passes.h.inc"
} // namespace lpgen

using namespace mlir;
using namespace lpgen;

namespace {

class FmaExpander {
public:
  explicit FmaExpander(math::FmaOp op)
      : b(op), loc(op.getLoc()), op(op), wide(like(b.getF64Type())),
        bitsType(like(b.getI64Type())) {}

  Value expand() {
    Value product =
        arith::MulFOp::create(b, loc, extend(op.getA()), extend(op.getB()));
    Value addend = extend(op.getC());
    Value sum = add(product, addend);
    // Knuth's two-sum: product + addend = sum + lost.
    Value part = sub(sum, product);
    Value lost = add(sub(product, sub(sum, part)), sub(addend, part));
    return arith::TruncFOp::create(b, loc, op.getType(), toOdd(sum, lost));
  }

private:
  /// `element`, or a vector of as many as the operation has.
  mlir::Type like(mlir::Type element) {
    auto vector = dyn_cast<VectorType>(op.getType());
    return vector ? vector.clone(element) : element;
  }
  Value extend(Value v) { return arith::ExtFOp::create(b, loc, wide, v); }
  Value add(Value x, Value y) { return arith::AddFOp::create(b, loc, x, y); }
  Value sub(Value x, Value y) { return arith::SubFOp::create(b, loc, x, y); }
  Value constant(TypedAttr value) {
    mlir::Type type = like(value.getType());
    if (auto vector = dyn_cast<VectorType>(type)) {
      value = DenseElementsAttr::get(vector, value);
    }
    return arith::ConstantOp::create(b, loc, value);
  }
  Value compare(arith::CmpFPredicate predicate, Value x, Value y) {
    return arith::CmpFOp::create(b, loc, predicate, x, y);
  }

  /// What is lost is not equal to 0 only in sums that are finite, not 0.
  Value toOdd(Value sum, Value lost) {
    Value zero = constant(b.getF64FloatAttr(0));
    Value none = constant(b.getI64IntegerAttr(0));
    Value one = constant(b.getI64IntegerAttr(1));
    Value bits = arith::BitcastOp::create(b, loc, bitsType, sum);
    Value last = arith::AndIOp::create(b, loc, bits, one);
    Value isEven =
        arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, last, none);
    Value isInexact = compare(arith::CmpFPredicate::ONE, lost, zero);
    // The bits of a greater magnitude are the greater ones.
    Value isSmaller = arith::XOrIOp::create(
        b, loc, compare(arith::CmpFPredicate::OLT, lost, zero),
        compare(arith::CmpFPredicate::OLT, sum, zero));
    Value step = arith::SelectOp::create(
        b, loc, isSmaller, constant(b.getI64IntegerAttr(-1)), one);
    step = arith::SelectOp::create(
        b, loc, arith::AndIOp::create(b, loc, isInexact, isEven), step, none);
    bits = arith::AddIOp::create(b, loc, bits, step);
    return arith::BitcastOp::create(b, loc, wide, bits);
  }

  OpBuilder b;
  Location loc;
  math::FmaOp op;
  mlir::Type wide;
  mlir::Type bitsType;
};

struct ExpandFmaPass : public lpgen::impl::ExpandFmaPassBase<ExpandFmaPass> {
  void runOnOperation() override {
    SmallVector<math::FmaOp> ops;
    getOperation().walk([&](math::FmaOp op) { ops.push_back(op); });
    for (math::FmaOp op : ops) {
      op.replaceAllUsesWith(FmaExpander(op).expand());
      op.erase();
    }
  }
};

} // namespace
