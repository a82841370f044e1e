// lp-expand-half: conversions between f16 and f32 by integers, for CPUs whose
// baseline has no instructions for them; calls to the compiler's run-time
// library are out of reach of a freestanding kernel.
//
// The formulas are those of base/types/Scalar.h for whole vectors: all cases
// are computed, then one is selected.
#include "compiler/passes/Emitter.h"
#include "mlir/IR/TypeUtilities.h"

namespace lpgen {
#define GEN_PASS_DEF_EXPANDHALFPASS
#include "compiler/passes/Passes.h.inc"
} // namespace lpgen

using namespace mlir;
using namespace lpgen;

namespace {

/// Emits on scalars, or on vectors as long as those of one operation.
class HalfExpander {
public:
  explicit HalfExpander(Operation *op)
      : b(op), loc(op->getLoc()), operand(op->getOperand(0)),
        word(like(b.getI32Type())), single(like(b.getF32Type())),
        half(like(b.getF16Type())), bits16(like(b.getI16Type())) {}

  /// scalar::halfToFloat.
  Value extend() {
    Value bits = arith::ExtUIOp::create(b, loc, word, cast(bits16, operand));
    Value sign = shiftLeft(bitAnd(bits, integer(0x8000)), 16);
    Value magnitude = shiftLeft(bitAnd(bits, integer(0x7fff)), 13);
    // The exponent is 112 too small; the product is exact, of denormals too.
    Value finite =
        arith::MulFOp::create(b, loc, cast(single, magnitude), real(0x1p112F));
    Value isSpecial =
        compare(arith::CmpIPredicate::sge, magnitude, integer(0x7c00 << 13));
    Value special = bitOr(magnitude, integer(0x7f800000));
    Value value = select(isSpecial, special, cast(word, finite));
    return cast(single, bitOr(value, sign));
  }

  /// scalar::floatToHalf.
  Value truncate() {
    Value bits = cast(word, operand);
    Value sign = bitAnd(shiftRight(bits, 16), integer(0x8000));
    Value magnitude = bitAnd(bits, integer(0x7fffffff));
    Value isNan =
        compare(arith::CmpIPredicate::sgt, magnitude, integer(0x7f800000));
    Value nan = bitOr(bitAnd(shiftRight(magnitude, 13), integer(0x1ff)),
                      integer(0x7e00));
    Value isSmall =
        compare(arith::CmpIPredicate::slt, magnitude, integer(0x38800000));
    Value shifted =
        arith::AddFOp::create(b, loc, cast(single, magnitude), real(0.5F));
    Value small = sub(cast(word, shifted), 0x3f000000);
    Value value = select(isSmall, small, normal(magnitude));
    value = bitOr(select(isNan, nan, value), sign);
    return cast(half, arith::TruncIOp::create(b, loc, bits16, value));
  }

private:
  /// A magnitude from 2^-14 on, infinity included.
  Value normal(Value magnitude) {
    Value rebased = sub(magnitude, (127 - 15) << 23);
    Value last = bitAnd(shiftRight(rebased, 13), integer(1));
    Value rounded = arith::AddIOp::create(
        b, loc, arith::AddIOp::create(b, loc, rebased, integer(0xfff)), last);
    return arith::MinSIOp::create(b, loc, shiftRight(rounded, 13),
                                  integer(0x7c00));
  }

  mlir::Type like(mlir::Type element) {
    auto vector = dyn_cast<VectorType>(operand.getType());
    return vector ? vector.clone(element) : element;
  }
  Value constant(TypedAttr value) {
    if (auto vector = dyn_cast<VectorType>(like(value.getType()))) {
      value = DenseElementsAttr::get(vector, value);
    }
    return arith::ConstantOp::create(b, loc, value);
  }
  Value integer(int32_t v) { return constant(b.getI32IntegerAttr(v)); }
  Value real(float v) { return constant(b.getF32FloatAttr(v)); }
  Value cast(mlir::Type type, Value v) {
    return arith::BitcastOp::create(b, loc, type, v);
  }
  Value bitAnd(Value x, Value y) { return arith::AndIOp::create(b, loc, x, y); }
  Value bitOr(Value x, Value y) { return arith::OrIOp::create(b, loc, x, y); }
  Value sub(Value x, int32_t y) {
    return arith::SubIOp::create(b, loc, x, integer(y));
  }
  Value shiftLeft(Value x, int32_t n) {
    return arith::ShLIOp::create(b, loc, x, integer(n));
  }
  Value shiftRight(Value x, int32_t n) {
    return arith::ShRUIOp::create(b, loc, x, integer(n));
  }
  Value compare(arith::CmpIPredicate predicate, Value x, Value y) {
    return arith::CmpIOp::create(b, loc, predicate, x, y);
  }
  Value select(Value condition, Value yes, Value no) {
    return arith::SelectOp::create(b, loc, condition, yes, no);
  }

  OpBuilder b;
  Location loc;
  Value operand;
  mlir::Type word;
  mlir::Type single;
  mlir::Type half;
  mlir::Type bits16;
};

bool isHalf(Value v) { return getElementTypeOrSelf(v.getType()).isF16(); }

struct ExpandHalfPass : public lpgen::impl::ExpandHalfPassBase<ExpandHalfPass> {
  void runOnOperation() override {
    SmallVector<Operation *> ops;
    getOperation().walk([&](Operation *op) {
      if ((isa<arith::ExtFOp>(op) && isHalf(op->getOperand(0))) ||
          (isa<arith::TruncFOp>(op) && isHalf(op->getResult(0)))) {
        ops.push_back(op);
      }
    });
    for (Operation *op : ops) {
      HalfExpander expander(op);
      op->getResult(0).replaceAllUsesWith(
          isa<arith::ExtFOp>(op) ? expander.extend() : expander.truncate());
      op->erase();
    }
  }
};

} // namespace
