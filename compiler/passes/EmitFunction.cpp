// The functions of f32 as operations of arith and math: what
// base/types/FloatAlgorithms.h computes, emitted.
#include "base/types/FloatAlgorithms.h"
#include "compiler/passes/Emitter.h"

using namespace mlir;
using namespace lpgen;

namespace {

/// A value of the kernel and where the next operation goes. `Tag` tells f32, 32
/// bits and conditions apart.
template <int Tag>
struct Emitted {
  Emitter *e;
  Value value;
};
using Number = Emitted<0>;
using Bits = Emitted<1>;
using Condition = Emitted<2>;

template <typename Op, typename From>
From emit(From a, From b) {
  return {a.e, Op::create(a.e->b, a.e->loc, a.value, b.value)};
}

Number operator+(Number a, Number b) { return emit<arith::AddFOp>(a, b); }
Number operator-(Number a, Number b) { return emit<arith::SubFOp>(a, b); }
Number operator*(Number a, Number b) { return emit<arith::MulFOp>(a, b); }
Number operator/(Number a, Number b) { return emit<arith::DivFOp>(a, b); }
Bits operator+(Bits a, Bits b) { return emit<arith::AddIOp>(a, b); }
Bits operator-(Bits a, Bits b) { return emit<arith::SubIOp>(a, b); }
Bits operator|(Bits a, Bits b) { return emit<arith::OrIOp>(a, b); }
Bits operator&(Bits a, Bits b) { return emit<arith::AndIOp>(a, b); }

Condition operator<(Number a, Number b) {
  return {a.e,
          arith::CmpFOp::create(a.e->b, a.e->loc, arith::CmpFPredicate::OLT,
                                a.value, b.value)};
}
Number constantLike(Number x, float value) {
  return {x.e, arith::ConstantOp::create(x.e->b, x.e->loc,
                                         x.e->b.getF32FloatAttr(value))};
}
Bits constantLike(Bits x, uint32_t value) {
  return {x.e, x.e->i32(static_cast<int32_t>(value))};
}
Bits operator<<(Bits a, unsigned n) {
  return emit<arith::ShLIOp>(a, constantLike(a, n));
}
Bits shiftRight(Bits x, unsigned n) {
  return emit<arith::ShRSIOp>(x, constantLike(x, n));
}
Number select(Condition condition, Number a, Number b) {
  return {a.e, arith::SelectOp::create(a.e->b, a.e->loc, condition.value,
                                       a.value, b.value)};
}
Bits bits(Number x) {
  return {x.e, arith::BitcastOp::create(x.e->b, x.e->loc, x.e->b.getI32Type(),
                                        x.value)};
}
Number number(Bits x) {
  return {x.e, arith::BitcastOp::create(x.e->b, x.e->loc, x.e->b.getF32Type(),
                                        x.value)};
}
Number toNumber(Bits x) {
  return {x.e, arith::SIToFPOp::create(x.e->b, x.e->loc, x.e->b.getF32Type(),
                                       x.value)};
}
Number squareRoot(Number x) {
  return {x.e, math::SqrtOp::create(x.e->b, x.e->loc, x.value)};
}

} // namespace

Value Emitter::function(FloatFunction which, Value x) {
  return floatalgorithms::apply(which, Number{this, x}).value;
}
