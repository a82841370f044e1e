// Operators and functions of one value or two. See EmitExpr.h.
#include "compiler/emit/EmitExpr.h"
#include "ir/dialect/Lp.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace lpgen;

/// f32 -> i32: truncates, saturates, NaN gives 0.
Value ExprEmitter::emitFloatToInt(Value value) {
  auto constant = [&](float v) -> Value {
    return arith::ConstantOp::create(builder, loc, builder.getF32FloatAttr(v));
  };
  auto integer = [&](int32_t v) -> Value {
    return arith::ConstantOp::create(builder, loc,
                                     builder.getI32IntegerAttr(v));
  };
  Value high = arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::OGE,
                                     value, constant(2147483648.0F));
  Value low = arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::OLT,
                                    value, constant(-2147483648.0F));
  Value ordered = arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::ORD,
                                        value, value);
  Value outside = arith::OrIOp::create(builder, loc, high, low);
  Value inside =
      arith::SelectOp::create(builder, loc, ordered, value, constant(0));
  inside = arith::SelectOp::create(builder, loc, outside, constant(0), inside);
  Value result =
      arith::FPToSIOp::create(builder, loc, builder.getI32Type(), inside);
  result =
      arith::SelectOp::create(builder, loc, high, integer(INT32_MAX), result);
  return arith::SelectOp::create(builder, loc, low, integer(INT32_MIN), result);
}

/// What `whole`, x without its fraction, is for a fraction of a half and more:
/// one farther in direction `step`.
Value ExprEmitter::emitHalf(Value x, Value whole, Value step) {
  auto constant = [&](float v) -> Value {
    return arith::ConstantOp::create(builder, loc, builder.getF32FloatAttr(v));
  };
  Value rest = math::AbsFOp::create(
      builder, loc, arith::SubFOp::create(builder, loc, x, whole));
  Value isFar = arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::OGE,
                                      rest, constant(0.5F));
  return arith::SelectOp::create(
      builder, loc, isFar, arith::AddFOp::create(builder, loc, whole, step),
      whole);
}

/// f32 -> f32 without a fraction.
Value ExprEmitter::emitRounded(ast::UnaryOp rounding, Value value) {
  Value one;
  if (rounding == ast::UnaryOp::RoundHalfAway ||
      rounding == ast::UnaryOp::RoundHalfUp) {
    one = arith::ConstantOp::create(builder, loc, builder.getF32FloatAttr(1));
  }
  switch (rounding) {
  case ast::UnaryOp::Round:
    return math::RoundEvenOp::create(builder, loc, value);
  case ast::UnaryOp::Floor:
    return math::FloorOp::create(builder, loc, value);
  case ast::UnaryOp::Ceil:
    return math::CeilOp::create(builder, loc, value);
  case ast::UnaryOp::RoundHalfAway:
    return emitHalf(value, math::TruncOp::create(builder, loc, value),
                    math::CopySignOp::create(builder, loc, one, value));
  case ast::UnaryOp::RoundHalfUp:
    return emitHalf(value, math::FloorOp::create(builder, loc, value), one);
  default:
    return math::TruncOp::create(builder, loc, value);
  }
}

Value ExprEmitter::emitUnary(const ast::Expr &expr) {
  Value value = emit(*expr.operands[0]);
  bool isFloat = expr.operands[0]->isFloat;
  switch (expr.unaryOp) {
  case ast::UnaryOp::Neg:
    if (isFloat) {
      return arith::NegFOp::create(builder, loc, value);
    }
    value = castInt(value, std::max(bitsFor(expr.range),
                                    value.getType().getIntOrFloatBitWidth()));
    return arith::SubIOp::create(
        builder, loc,
        arith::ConstantOp::create(builder, loc,
                                  builder.getIntegerAttr(value.getType(), 0)),
        value);
  case ast::UnaryOp::Abs:
    if (isFloat) {
      return math::AbsFOp::create(builder, loc, value);
    }
    value = castInt(value, std::max(bitsFor(expr.range),
                                    value.getType().getIntOrFloatBitWidth()));
    return math::AbsIOp::create(builder, loc, value);
  case ast::UnaryOp::ToFloat:
    return arith::SIToFPOp::create(builder, loc, builder.getF32Type(), value);
  case ast::UnaryOp::Round:
  case ast::UnaryOp::Floor:
  case ast::UnaryOp::Ceil:
  case ast::UnaryOp::Trunc:
  case ast::UnaryOp::RoundHalfAway:
  case ast::UnaryOp::RoundHalfUp:
    return emitFloatToInt(emitRounded(expr.unaryOp, value));
  case ast::UnaryOp::Wrap32:
    return castInt(value, 32);
  case ast::UnaryOp::Function:
    return lp::FunctionOp::create(
        builder, loc, floatFunctionNames[static_cast<size_t>(expr.function)],
        value);
  case ast::UnaryOp::Random:
    return lp::RandomOp::create(builder, loc, castInt(value, 64),
                                emitElementCounter());
  }
  llvm_unreachable("unknown unary operation");
}

static std::optional<arith::CmpIPredicate> comparison(ast::BinaryOp op) {
  switch (op) {
  case ast::BinaryOp::Lt:
    return arith::CmpIPredicate::slt;
  case ast::BinaryOp::Le:
    return arith::CmpIPredicate::sle;
  case ast::BinaryOp::Gt:
    return arith::CmpIPredicate::sgt;
  case ast::BinaryOp::Ge:
    return arith::CmpIPredicate::sge;
  case ast::BinaryOp::Eq:
    return arith::CmpIPredicate::eq;
  case ast::BinaryOp::Ne:
    return arith::CmpIPredicate::ne;
  default:
    return std::nullopt;
  }
}

Value ExprEmitter::emitFloatBinary(const ast::Expr &expr) {
  Value lhs = emit(*expr.operands[0]);
  Value rhs = emit(*expr.operands[1]);
  auto compare = [&](arith::CmpFPredicate predicate) -> Value {
    return arith::ExtUIOp::create(
        builder, loc, builder.getI32Type(),
        arith::CmpFOp::create(builder, loc, predicate, lhs, rhs));
  };
  switch (expr.binaryOp) {
  case ast::BinaryOp::Add:
    return arith::AddFOp::create(builder, loc, lhs, rhs);
  case ast::BinaryOp::Sub:
    return arith::SubFOp::create(builder, loc, lhs, rhs);
  case ast::BinaryOp::Mul:
    return arith::MulFOp::create(builder, loc, lhs, rhs);
  case ast::BinaryOp::Div:
    return arith::DivFOp::create(builder, loc, lhs, rhs);
  case ast::BinaryOp::Min:
    return arith::MinimumFOp::create(builder, loc, lhs, rhs);
  case ast::BinaryOp::Max:
    return arith::MaximumFOp::create(builder, loc, lhs, rhs);
  case ast::BinaryOp::Lt:
    return compare(arith::CmpFPredicate::OLT);
  case ast::BinaryOp::Le:
    return compare(arith::CmpFPredicate::OLE);
  case ast::BinaryOp::Gt:
    return compare(arith::CmpFPredicate::OGT);
  case ast::BinaryOp::Ge:
    return compare(arith::CmpFPredicate::OGE);
  case ast::BinaryOp::Eq:
    return compare(arith::CmpFPredicate::OEQ);
  case ast::BinaryOp::Ne:
    return compare(arith::CmpFPredicate::UNE);
  default:
    llvm_unreachable("integer operation on f32");
  }
}

/// floor(lhs / rhs), or what it leaves.
Value ExprEmitter::emitFloorDivision(const ast::Expr &expr, Value lhs,
                                     Value rhs) {
  const ast::IntRange a = expr.operands[0]->range;
  const ast::IntRange b = expr.operands[1]->range;
  const bool isRest = expr.binaryOp == ast::BinaryOp::Mod;
  if (a.lo >= 0 && b.lo > 0) {
    return isRest ? arith::RemUIOp::create(builder, loc, lhs, rhs).getResult()
                  : arith::DivUIOp::create(builder, loc, lhs, rhs).getResult();
  }
  if (!isRest) {
    return arith::FloorDivSIOp::create(builder, loc, lhs, rhs);
  }
  auto constant = [&](int64_t v) -> Value {
    return arith::ConstantOp::create(builder, loc,
                                     builder.getIntegerAttr(lhs.getType(), v));
  };
  auto compare = [&](arith::CmpIPredicate p, Value l, Value r) -> Value {
    return arith::CmpIOp::create(builder, loc, p, l, r);
  };
  if (b.lo <= -1 && b.hi >= -1) { // the least number has no quotient by -1
    rhs = arith::SelectOp::create(
        builder, loc, compare(arith::CmpIPredicate::eq, rhs, constant(-1)),
        constant(1), rhs);
  }
  Value rest = arith::RemSIOp::create(builder, loc, lhs, rhs);
  Value isOther =
      compare(arith::CmpIPredicate::slt,
              arith::XOrIOp::create(builder, loc, rest, rhs), constant(0));
  Value isSome = compare(arith::CmpIPredicate::ne, rest, constant(0));
  Value moved = arith::SelectOp::create(
      builder, loc, arith::AndIOp::create(builder, loc, isSome, isOther), rhs,
      constant(0));
  return arith::AddIOp::create(builder, loc, rest, moved);
}

/// Nearest integer to lhs / rhs, ties away from zero.
Value ExprEmitter::emitRoundDiv(const ast::Expr &expr, Value lhs, Value rhs) {
  mlir::Type type = lhs.getType();
  const ast::IntRange a = expr.operands[0]->range;
  const ast::IntRange b = expr.operands[1]->range;
  // Of numbers that are not negative floor((lhs + floor(rhs / 2)) / rhs), if
  // the sum fits.
  const int64_t most = type.isInteger(64) ? INT64_MAX : UINT32_MAX;
  if (a.lo >= 0 && b.lo > 0 && a.hi <= most - b.hi / 2) {
    Value one = arith::ConstantOp::create(builder, loc,
                                          builder.getIntegerAttr(type, 1));
    Value half = arith::ShRUIOp::create(builder, loc, rhs, one);
    return arith::DivUIOp::create(
        builder, loc, arith::AddIOp::create(builder, loc, lhs, half), rhs);
  }
  auto constant = [&](int64_t v) -> Value {
    return arith::ConstantOp::create(builder, loc,
                                     builder.getIntegerAttr(type, v));
  };
  Value quotient = arith::DivSIOp::create(builder, loc, lhs, rhs);
  Value remainder = arith::RemSIOp::create(builder, loc, lhs, rhs);
  // |remainder| >= |rhs| - |remainder| avoids doubling, which could overflow.
  Value absRemainder = math::AbsIOp::create(builder, loc, remainder);
  Value rest = arith::SubIOp::create(
      builder, loc, math::AbsIOp::create(builder, loc, rhs), absRemainder);
  Value away = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::uge,
                                     absRemainder, rest);
  Value negative = arith::CmpIOp::create(
      builder, loc, arith::CmpIPredicate::slt,
      arith::XOrIOp::create(builder, loc, lhs, rhs), constant(0));
  Value step = arith::SelectOp::create(builder, loc, negative, constant(-1),
                                       constant(1));
  step = arith::SelectOp::create(builder, loc, away, step, constant(0));
  return arith::AddIOp::create(builder, loc, quotient, step);
}

Value ExprEmitter::emitBinary(const ast::Expr &expr) {
  if (expr.operands[0]->isFloat) {
    return emitFloatBinary(expr);
  }
  Value lhs = emit(*expr.operands[0]);
  Value rhs = emit(*expr.operands[1]);
  unsigned bits =
      std::max({bitsFor(expr.range), lhs.getType().getIntOrFloatBitWidth(),
                rhs.getType().getIntOrFloatBitWidth()});
  const bool isShift = expr.binaryOp == ast::BinaryOp::ShiftRight ||
                       expr.binaryOp == ast::BinaryOp::ShiftLeft;
  if (isShift && expr.operands[1]->range.hi > 31) {
    bits = 64; // a shift by all bits has no value
  }
  lhs = castInt(lhs, bits);
  rhs = castInt(rhs, bits);
  if (auto predicate = comparison(expr.binaryOp)) {
    return arith::ExtUIOp::create(
        builder, loc, builder.getI32Type(),
        arith::CmpIOp::create(builder, loc, *predicate, lhs, rhs));
  }
  switch (expr.binaryOp) {
  case ast::BinaryOp::Add:
    return arith::AddIOp::create(builder, loc, lhs, rhs);
  case ast::BinaryOp::Sub:
    return arith::SubIOp::create(builder, loc, lhs, rhs);
  case ast::BinaryOp::Mul:
    return arith::MulIOp::create(builder, loc, lhs, rhs);
  case ast::BinaryOp::FloorDiv:
  case ast::BinaryOp::Mod:
    return emitFloorDivision(expr, lhs, rhs);
  case ast::BinaryOp::RoundDiv:
    return emitRoundDiv(expr, lhs, rhs);
  case ast::BinaryOp::ShiftRight:
    return arith::ShRSIOp::create(builder, loc, lhs, rhs);
  case ast::BinaryOp::ShiftLeft:
    return arith::ShLIOp::create(builder, loc, lhs, rhs);
  case ast::BinaryOp::BitAnd:
    return arith::AndIOp::create(builder, loc, lhs, rhs);
  case ast::BinaryOp::BitOr:
    return arith::OrIOp::create(builder, loc, lhs, rhs);
  case ast::BinaryOp::BitXor:
    return arith::XOrIOp::create(builder, loc, lhs, rhs);
  case ast::BinaryOp::Min:
    return arith::MinSIOp::create(builder, loc, lhs, rhs);
  case ast::BinaryOp::Max:
    return arith::MaxSIOp::create(builder, loc, lhs, rhs);
  default:
    llvm_unreachable("f32 operation on integers");
  }
}

Value ExprEmitter::emitSelect(const ast::Expr &expr) {
  Value condition = emit(*expr.operands[0]);
  Value zero = arith::ConstantOp::create(
      builder, loc, builder.getIntegerAttr(condition.getType(), 0));
  condition = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ne,
                                    condition, zero);
  Value a = emit(*expr.operands[1]);
  Value b = emit(*expr.operands[2]);
  if (!expr.isFloat) {
    const unsigned bits = std::max(a.getType().getIntOrFloatBitWidth(),
                                   b.getType().getIntOrFloatBitWidth());
    a = castInt(a, bits);
    b = castInt(b, bits);
  }
  return arith::SelectOp::create(builder, loc, condition, a, b);
}
