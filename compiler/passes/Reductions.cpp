// See Reductions.h.
#include "compiler/passes/Reductions.h"
#include <limits>

using namespace mlir;
using namespace lpgen;

static bool isSum(lp::ReduceKind kind) {
  return kind == lp::ReduceKind::Sum || kind == lp::ReduceKind::Fma;
}

/// What a reduction of terms of `type` starts from.
static Value identity(lp::ReduceKind kind, mlir::Type type, Emitter &e) {
  bool isMax = kind == lp::ReduceKind::Max || kind == lp::ReduceKind::ArgMax;
  bool isProduct = kind == lp::ReduceKind::Product;
  if (isa<FloatType>(type)) {
    float inf = std::numeric_limits<float>::infinity();
    float start = isSum(kind) ? 0.0F : isProduct ? 1.0F : isMax ? -inf : inf;
    return arith::ConstantOp::create(e.b, e.loc, e.b.getF32FloatAttr(start));
  }
  unsigned bits = type.getIntOrFloatBitWidth();
  APInt start = isSum(kind) ? APInt::getZero(bits)
                : isProduct ? APInt(bits, 1)
                : isMax     ? APInt::getSignedMinValue(bits)
                            : APInt::getSignedMaxValue(bits);
  return arith::ConstantOp::create(e.b, e.loc, e.b.getIntegerAttr(type, start));
}

/// The best term so far with its index, and the next one with its own. Equal
/// terms leave what was first; so does a NaN, which goes before any number.
static SmallVector<Value> chooseBest(bool isMax, Emitter &e,
                                     ArrayRef<Value> best, Value term,
                                     Value index) {
  Value isBetter;
  if (isa<FloatType>(term.getType())) {
    auto better = isMax ? arith::CmpFPredicate::UGT : arith::CmpFPredicate::ULT;
    isBetter = arith::AndIOp::create(
        e.b, e.loc, arith::CmpFOp::create(e.b, e.loc, better, term, best[0]),
        arith::CmpFOp::create(e.b, e.loc, arith::CmpFPredicate::ORD, best[0],
                              best[0]));
  } else {
    auto better = isMax ? arith::CmpIPredicate::sgt : arith::CmpIPredicate::slt;
    isBetter = arith::CmpIOp::create(e.b, e.loc, better, term, best[0]);
  }
  index = arith::IndexCastOp::create(e.b, e.loc, best[1].getType(), index);
  return {arith::SelectOp::create(e.b, e.loc, isBetter, term, best[0]),
          arith::SelectOp::create(e.b, e.loc, isBetter, index, best[1])};
}

static Value combineOne(lp::ReduceOp op, Emitter &e, Value lhs, Value rhs) {
  bool isFloat = isa<FloatType>(op.getType());
  switch (op.getKind()) {
  case lp::ReduceKind::Sum:
    return isFloat ? arith::AddFOp::create(e.b, e.loc, lhs, rhs).getResult()
                   : e.add(lhs, rhs);
  case lp::ReduceKind::Product:
    return isFloat ? arith::MulFOp::create(e.b, e.loc, lhs, rhs).getResult()
                   : e.mul(lhs, rhs);
  case lp::ReduceKind::Max:
    return isFloat ? arith::MaximumFOp::create(e.b, e.loc, lhs, rhs).getResult()
                   : arith::MaxSIOp::create(e.b, e.loc, lhs, rhs).getResult();
  case lp::ReduceKind::Min:
    return isFloat ? arith::MinimumFOp::create(e.b, e.loc, lhs, rhs).getResult()
                   : arith::MinSIOp::create(e.b, e.loc, lhs, rhs).getResult();
  case lp::ReduceKind::ArgMax:
  case lp::ReduceKind::ArgMin:
  case lp::ReduceKind::Fma:
    break;
  }
  llvm_unreachable("a reduction of more than one value");
}

SmallVector<Value> lpgen::startOf(lp::ReduceOp op, Emitter &e) {
  auto yield = cast<lp::YieldOp>(op.getBody().front().getTerminator());
  SmallVector<Value> carried{
      identity(op.getKind(), yield.getValues()[0].getType(), e)};
  if (op.isIndex()) {
    carried.push_back(arith::ConstantOp::create(
        e.b, e.loc, e.b.getIntegerAttr(op.getType(), 0)));
  }
  return carried;
}

SmallVector<Value> lpgen::combine(lp::ReduceOp op, Emitter &e,
                                  ArrayRef<Value> carried, ValueRange terms,
                                  ArrayRef<Value> indices) {
  switch (op.getKind()) {
  case lp::ReduceKind::ArgMax:
  case lp::ReduceKind::ArgMin:
    return chooseBest(op.getKind() == lp::ReduceKind::ArgMax, e, carried,
                      terms[0], indices[0]);
  case lp::ReduceKind::Fma:
    return {math::FmaOp::create(e.b, e.loc, terms[0], terms[1], carried[0])};
  default:
    return {combineOne(op, e, carried[0], terms[0])};
  }
}
