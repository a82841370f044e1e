// Types and ranges of unary and binary operations.
#include "operators/frontend/OpChecker.h"
#include "llvm/ADT/STLExtras.h"

using namespace lpgen;
using ast::BinaryOp;
using ast::Expr;
using ast::ExprPtr;
using ast::UnaryOp;
using llvm::Twine;

static const char *conversionName(UnaryOp op) {
  switch (op) {
  case UnaryOp::Round:
    return "round";
  case UnaryOp::Floor:
    return "floor";
  case UnaryOp::Ceil:
    return "ceil";
  case UnaryOp::RoundHalfAway:
    return "round_half_away";
  case UnaryOp::RoundHalfUp:
    return "round_half_up";
  default:
    return "trunc";
  }
}

bool OpChecker::typeUnary(ExprPtr &expr) {
  ExprPtr &operand = expr->operands[0];
  Interval range = operand->range;
  switch (expr->unaryOp) {
  case UnaryOp::Neg:
  case UnaryOp::Abs: {
    expr->isFloat = operand->isFloat;
    bool isNegation = expr->unaryOp == UnaryOp::Neg;
    if (isNegation && operand->kind == Expr::Kind::Float) {
      expr->kind = Expr::Kind::Float;
      expr->floatValue = -operand->floatValue;
      expr->operands.clear();
      return true;
    }
    if (expr->isFloat) {
      return true;
    }
    if (!setRange(*expr, isNegation ? negate(range) : absolute(range))) {
      return false;
    }
    if (operand->kind == Expr::Kind::Int) {
      expr->kind = Expr::Kind::Int;
      expr->intValue = expr->range.lo;
      expr->operands.clear();
    }
    return true;
  }
  case UnaryOp::ToFloat: {
    makeFloat(operand);
    ExprPtr converted = std::move(operand);
    expr = std::move(converted);
    return true;
  }
  case UnaryOp::Round:
  case UnaryOp::Floor:
  case UnaryOp::Ceil:
  case UnaryOp::Trunc:
  case UnaryOp::RoundHalfAway:
  case UnaryOp::RoundHalfUp:
    if (!operand->isFloat) {
      diags.error(expr->loc, rangeOf(*expr),
                  Twine("'") + conversionName(expr->unaryOp) +
                      "' takes an f32 value, found an integer; leave it out");
      return false;
    }
    expr->range = {INT32_MIN, INT32_MAX};
    return true;
  case UnaryOp::Wrap32:
    if (!requireInteger(*operand, "the argument of 'wrap'")) {
      return false;
    }
    return setRange(*expr,
                    range.fitsInt32() ? range : Interval(INT32_MIN, INT32_MAX));
  case UnaryOp::Function:
    makeFloat(operand);
    expr->isFloat = true;
    return true;
  case UnaryOp::Random:
    expr->isFloat = true;
    return requireInteger(*operand, "the seed of 'random'");
  }
  llvm_unreachable("all unary operations are handled");
}

bool OpChecker::typeBinary(ExprPtr &expr) {
  ExprPtr &a = expr->operands[0];
  ExprPtr &b = expr->operands[1];
  BinaryOp op = expr->binaryOp;
  if (!a->isFloat && !b->isFloat) {
    return typeIntegerBinary(expr);
  }
  if (op >= BinaryOp::FloorDiv && op <= BinaryOp::BitXor) {
    bool isIntegerLeft = requireInteger(*a, "the left operand");
    return requireInteger(*b, "the right operand") && isIntegerLeft;
  }
  makeFloat(a);
  makeFloat(b);
  expr->isFloat = op < BinaryOp::Lt;
  expr->range = expr->isFloat ? ast::IntRange() : ast::IntRange{0, 1};
  return true;
}

/// True for two literals, which are computed here and now.
static bool isFoldable(const Expr &expr) {
  return llvm::all_of(expr.operands, [](const ExprPtr &operand) {
    return operand->kind == Expr::Kind::Int;
  });
}

bool OpChecker::typeIntegerBinary(ExprPtr &expr) {
  Interval a = expr->operands[0]->range;
  Interval b = expr->operands[1]->range;
  BinaryOp op = expr->binaryOp;
  const Expr &right = *expr->operands[1];
  if (op == BinaryOp::Div) {
    diags.error(expr->loc, rangeOf(*expr),
                "integers have no '/'; use floordiv(a, b), rounddiv(a, b) or "
                "a >> b, or f32(a) / b");
    return false;
  }
  const bool isDivision = op == BinaryOp::FloorDiv ||
                          op == BinaryOp::RoundDiv || op == BinaryOp::Mod;
  if (isDivision && b.contains(0)) {
    diags.error(right.loc, rangeOf(right),
                "the divisor ranges over " + b.str() + ", which contains 0");
    return false;
  }
  const bool isShift = op == BinaryOp::ShiftRight || op == BinaryOp::ShiftLeft;
  if (isShift && !b.within(0, 63)) {
    diags.error(right.loc, rangeOf(right),
                "the shift ranges over " + b.str() +
                    "; shifts go from 0 to 63");
    return false;
  }
  if (!setRange(*expr, apply(op, a, b))) {
    return false;
  }
  if (isFoldable(*expr) && op < BinaryOp::Lt) {
    expr->kind = Expr::Kind::Int;
    expr->intValue = expr->range.lo;
    expr->operands.clear();
  }
  return true;
}
