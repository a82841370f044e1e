// Calls of functions become nodes: some one, some several.
#include "operators/frontend/OpChecker.h"

using namespace lpgen;
using namespace lpgen::syntax;
using ast::BinaryOp;
using ast::Expr;
using ast::ExprPtr;

static ast::UnaryOp unaryOpOf(Function function) {
  switch (function) {
  case Function::Round:
    return ast::UnaryOp::Round;
  case Function::Floor:
    return ast::UnaryOp::Floor;
  case Function::Ceil:
    return ast::UnaryOp::Ceil;
  case Function::Trunc:
    return ast::UnaryOp::Trunc;
  case Function::RoundHalfAway:
    return ast::UnaryOp::RoundHalfAway;
  case Function::RoundHalfUp:
    return ast::UnaryOp::RoundHalfUp;
  case Function::Abs:
    return ast::UnaryOp::Abs;
  case Function::Wrap:
    return ast::UnaryOp::Wrap32;
  case Function::Random:
    return ast::UnaryOp::Random;
  case Function::ToFloat:
    return ast::UnaryOp::ToFloat;
  case Function::OfFloat:
    return ast::UnaryOp::Function;
  default:
    llvm_unreachable("not a unary function");
  }
}

/// relu(x) = max(x, 0), clamp(x, lo, hi) = min(max(x, lo), hi), and
/// rescale_once(x, m, s) = (x * m >> 30 - s) + 1 >> 1; the rest map to one
/// node.
ExprPtr OpChecker::expandCall(const Node &node,
                              std::vector<ExprPtr> arguments) {
  auto make = [&](Expr::Kind kind) {
    return makeExpr(kind, node.loc, node.range);
  };
  auto makeBinary = [&](BinaryOp op, ExprPtr a, ExprPtr b) {
    ExprPtr expr = make(Expr::Kind::Binary);
    expr->binaryOp = op;
    expr->operands.push_back(std::move(a));
    expr->operands.push_back(std::move(b));
    return expr;
  };
  if (std::optional<BinaryOp> op = binaryOpOf(node.function)) {
    return makeBinary(*op, std::move(arguments[0]), std::move(arguments[1]));
  }
  auto makeInt = [&](int64_t value) {
    ExprPtr expr = make(Expr::Kind::Int);
    expr->intValue = value;
    return expr;
  };
  switch (node.function) {
  case Function::RescaleOnce: {
    ExprPtr product = makeBinary(BinaryOp::Mul, std::move(arguments[0]),
                                 std::move(arguments[1]));
    ExprPtr right =
        makeBinary(BinaryOp::Sub, makeInt(30), std::move(arguments[2]));
    ExprPtr twice =
        makeBinary(BinaryOp::ShiftRight, std::move(product), std::move(right));
    return makeBinary(BinaryOp::ShiftRight,
                      makeBinary(BinaryOp::Add, std::move(twice), makeInt(1)),
                      makeInt(1));
  }
  case Function::Relu:
    return makeBinary(BinaryOp::Max, std::move(arguments[0]),
                      make(Expr::Kind::Int));
  case Function::Clamp:
    return makeBinary(BinaryOp::Min,
                      makeBinary(BinaryOp::Max, std::move(arguments[0]),
                                 std::move(arguments[1])),
                      std::move(arguments[2]));
  case Function::Rescale:
  case Function::Select: {
    ExprPtr expr =
        make(node.function == Function::Select ? Expr::Kind::Select
                                               : Expr::Kind::Rescale);
    for (ExprPtr &argument : arguments) {
      expr->operands.push_back(std::move(argument));
    }
    return expr;
  }
  default: {
    ExprPtr expr = make(Expr::Kind::Unary);
    expr->unaryOp = unaryOpOf(node.function);
    if (expr->unaryOp == ast::UnaryOp::Function) {
      expr->function = *floatFunctionNamed(node.name);
    }
    expr->operands.push_back(std::move(arguments[0]));
    return expr;
  }
  }
}
