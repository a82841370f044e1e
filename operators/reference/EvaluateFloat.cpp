// The meaning of f32 expressions. See Evaluate.cpp.
#include "base/types/Scalar.h"
#include "operators/reference/Interpreter.h"
#include "llvm/Support/ErrorHandling.h"
#include <cfloat>
#include <cmath>

static_assert(FLT_EVAL_METHOD == 0, "f32 must be evaluated as binary32");

namespace lpgen {

using ast::BinaryOp;
using ast::Expr;
using ast::ReduceOp;
using ast::UnaryOp;

float Interpreter::evaluateFloat(const Expr &expr, Frame &frame) {
  assert(expr.isFloat && "an integer expression where f32 is expected");
  switch (expr.kind) {
  case Expr::Kind::Float:
    return expr.floatValue;
  case Expr::Kind::Read:
    return read(expr, frame).floatValue;
  case Expr::Kind::Unary:
    return evaluateFloatUnary(expr, frame);
  case Expr::Kind::Binary:
    return evaluateFloatBinary(expr, frame);
  case Expr::Kind::Select:
    return evaluateFloat(selected(expr, frame), frame);
  case Expr::Kind::Reduce: {
    if (expr.isFusedSum()) {
      return evaluateFusedSum(expr, frame);
    }
    const Expr &body = *expr.operands[0];
    float result = expr.reduceOp == ReduceOp::Product ? 1.0f : 0.0f;
    bool first = true;
    forEachTerm(expr, frame, [&] {
      const float term = evaluateFloat(body, frame);
      if (expr.reduceOp == ReduceOp::Sum) {
        result += term;
      } else if (expr.reduceOp == ReduceOp::Product) {
        result *= term;
      } else if (first) {
        result = term;
      } else {
        result = expr.reduceOp == ReduceOp::Max ? scalar::maximum(result, term)
                                                : scalar::minimum(result, term);
      }
      first = false;
    });
    return result;
  }
  case Expr::Kind::Int:
  case Expr::Kind::Index:
  case Expr::Kind::Size:
  case Expr::Kind::Rescale:
    break;
  }
  llvm_unreachable("an integer expression where f32 is expected");
}

float Interpreter::evaluateFloatUnary(const Expr &expr, Frame &frame) {
  const Expr &operand = *expr.operands[0];
  switch (expr.unaryOp) {
  case UnaryOp::Neg:
    return -evaluateFloat(operand, frame);
  case UnaryOp::Abs:
    return std::fabs(evaluateFloat(operand, frame));
  case UnaryOp::ToFloat:
    return scalar::toFloat(evaluateInt(operand, frame));
  case UnaryOp::Random:
    return scalar::random(uint64_t(evaluateInt(operand, frame)),
                          uint64_t(frame.position));
  case UnaryOp::Function:
    return evaluateFunction(expr.function, evaluateFloat(operand, frame));
  default:
    llvm_unreachable("an integer operation where f32 is expected");
  }
}

float Interpreter::evaluateFloatBinary(const Expr &expr, Frame &frame) {
  const float a = evaluateFloat(*expr.operands[0], frame);
  const float b = evaluateFloat(*expr.operands[1], frame);
  switch (expr.binaryOp) {
  case BinaryOp::Add:
    return a + b;
  case BinaryOp::Sub:
    return a - b;
  case BinaryOp::Mul:
    return a * b;
  case BinaryOp::Div:
    return a / b;
  case BinaryOp::Min:
    return scalar::minimum(a, b);
  case BinaryOp::Max:
    return scalar::maximum(a, b);
  default:
    llvm_unreachable("an integer operation where f32 is expected");
  }
}

} // namespace lpgen
