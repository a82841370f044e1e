// The meaning of expressions: one element of one statement, by recursion over
// the tree. EvaluateFloat.cpp has those of f32, EvaluateRows.cpp the sums.
#include "base/types/Scalar.h"
#include "operators/reference/Interpreter.h"
#include "llvm/Support/ErrorHandling.h"
#include <cmath>

namespace lpgen {

using ast::BinaryOp;
using ast::Expr;
using ast::ReduceOp;
using ast::UnaryOp;

int64_t Interpreter::fail(const Frame &frame, const std::string &what) {
  if (error.empty()) {
    const unsigned id = frame.statement.tensor;
    const llvm::ArrayRef<int64_t> element =
        llvm::ArrayRef(frame.indices).take_front(shapes[id].size());
    error = "'" + op.tensors[id].name + "' at " + shapeToString(element) +
            ": " + what;
  }
  return 0;
}

/// Evaluates the defining statement at one element and applies the store.
ElementValue Interpreter::evaluateElement(unsigned tensor, int64_t position) {
  const ast::Statement &statement = *definitions[tensor];
  const std::vector<int64_t> &shape = shapes[tensor];
  Frame frame{statement, {}, position};
  frame.indices.resize(statement.indices.size(), 0);
  for (size_t d = shape.size(); d-- > 0;) {
    frame.indices[d] = position % shape[d];
    position /= shape[d];
  }
  const Expr &value = *statement.value;
  ElementValue result;
  const ElementType type = op.tensors[tensor].type;
  if (type.isFloat()) {
    const float number = value.isFloat
                             ? evaluateFloat(value, frame)
                             : scalar::toFloat(evaluateInt(value, frame));
    result.floatValue = scalar::storedFloat(number, type);
  } else {
    result.intValue = scalar::saturate(evaluateInt(value, frame), type);
  }
  return result;
}

ElementValue Interpreter::readElement(unsigned tensor, int64_t position) {
  ElementValue result;
  if (const HostTensor *source = materialized[tensor]) {
    if (source->type().isFloat()) {
      result.floatValue = source->getFloat(position);
    } else {
      result.intValue = source->getInt(position);
    }
    return result;
  }
  const auto found = remembered[tensor].find(position);
  if (found != remembered[tensor].end()) {
    return found->second;
  }
  assert(definitions[tensor] && "bindInputs comes before evaluateAt");
  result = evaluateElement(tensor, position);
  remembered[tensor].emplace(position, result);
  return result;
}

/// The value of a subscript; nothing if it is no multiple of its divisor.
std::optional<int64_t>
Interpreter::evaluateSubscript(const ast::Subscript &subscript, Frame &frame) {
  if (subscript.computed) {
    return evaluateInt(*subscript.computed, frame);
  }
  int64_t value = subscript.affine.constant;
  for (const ast::AffineForm::Term &term : subscript.affine.terms) {
    value += term.coefficient * frame.indices[term.index];
  }
  const int64_t divisor = subscript.affine.divisor;
  if (divisor == 1) { // nearly always, and divisions take long
    return value;
  }
  if (value % divisor != 0) {
    return std::nullopt;
  }
  return value / divisor;
}

/// The row-major position that a read's subscripts name; false if it is
/// outside.
bool Interpreter::locate(const Expr &read, Frame &frame, int64_t &position) {
  const std::vector<int64_t> &shape = shapes[read.tensor];
  assert(read.subscripts.size() == shape.size() && "a subscript a dimension");
  position = 0;
  for (size_t d = 0; d < shape.size(); ++d) {
    const std::optional<int64_t> value =
        evaluateSubscript(read.subscripts[d], frame);
    if (!value || *value < 0 || *value >= shape[d]) {
      return false;
    }
    position = position * shape[d] + *value;
  }
  return true;
}

ElementValue Interpreter::outsideValue(const Expr &read, Frame &frame) {
  const ast::Padding &padding = *read.padding;
  ElementValue result;
  if (padding.kind == ast::Padding::Kind::Value) {
    result.intValue = padding.value;
    result.floatValue = padding.floatValue;
    return result;
  }
  // For each position of the last dimension, which the read does not leave.
  const bool isOfChannel = padding.kind == ast::Padding::Kind::Channel;
  result = readElement(
      padding.tensor,
      isOfChannel ? *evaluateSubscript(read.subscripts.back(), frame) : 0);
  if (!op.tensors[padding.tensor].type.isFloat()) {
    result.floatValue = scalar::toFloat(result.intValue);
  }
  return result;
}

ElementValue Interpreter::read(const Expr &expr, Frame &frame) {
  int64_t position = 0;
  if (locate(expr, frame, position)) {
    return readElement(expr.tensor, position);
  }
  if (!expr.padding) {
    fail(frame, "reads '" + op.tensors[expr.tensor].name +
                    "' outside, which has no padding: the proof that this "
                    "cannot be is wrong, please report it");
    return {};
  }
  return outsideValue(expr, frame);
}

/// `value` of `expr`; 0 and an error if it is outside what is proved of it.
int64_t Interpreter::inRange(int64_t value, const Expr &expr,
                             const Frame &frame) {
  if (error.empty() && (value < expr.range.lo || value > expr.range.hi)) {
    return fail(frame, "the value " + std::to_string(value) +
                           " is outside the proved range [" +
                           std::to_string(expr.range.lo) + ", " +
                           std::to_string(expr.range.hi) +
                           "]: the proof is wrong, please report it");
  }
  return value;
}

int64_t Interpreter::evaluateInt(const Expr &expr, Frame &frame) {
  return inRange(evaluateIntUnchecked(expr, frame), expr, frame);
}

/// How many values the index of a reduction has here.
int64_t Interpreter::numValues(unsigned index, const Frame &frame) const {
  const ast::Index &loop = frame.statement.indices[index];
  return loop.last ? frame.indices[*loop.last] + 1 : sizeOf(loop.extent);
}

/// Sets indices to their first values; false if one has none.
bool Interpreter::begin(llvm::ArrayRef<unsigned> indices, Frame &frame) const {
  return llvm::all_of(indices, [&](unsigned index) {
    frame.indices[index] = 0;
    return numValues(index, frame) > 0;
  });
}

/// Sets indices to their next values, the last one fastest; false, and to their
/// first ones, after the last.
bool Interpreter::advance(llvm::ArrayRef<unsigned> indices,
                          Frame &frame) const {
  for (unsigned index : llvm::reverse(indices)) {
    if (++frame.indices[index] < numValues(index, frame)) {
      return true;
    }
    frame.indices[index] = 0;
  }
  return false;
}

int64_t Interpreter::evaluateIntUnchecked(const Expr &expr, Frame &frame) {
  switch (expr.kind) {
  case Expr::Kind::Int:
    return expr.intValue;
  case Expr::Kind::Index:
    return frame.indices[expr.indices[0]];
  case Expr::Kind::Size:
    return sizeOf(expr.size);
  case Expr::Kind::Read:
    return read(expr, frame).intValue;
  case Expr::Kind::Unary:
    return evaluateIntUnary(expr, frame);
  case Expr::Kind::Binary:
    return evaluateIntBinary(expr, frame);
  case Expr::Kind::Rescale:
    return evaluateRescale(expr, frame);
  case Expr::Kind::Select:
    return evaluateInt(selected(expr, frame), frame);
  case Expr::Kind::Reduce: {
    if (expr.reduceOp >= ReduceOp::ArgMax) {
      return evaluateIndexOf(expr, frame);
    }
    if (expr.reduceOp == ReduceOp::Sum) {
      return evaluateSum(expr, frame);
    }
    int64_t result = expr.reduceOp == ReduceOp::Product ? 1 : 0;
    bool first = true;
    forEachTerm(expr, frame, [&] {
      const int64_t term = evaluateInt(*expr.operands[0], frame);
      if (expr.reduceOp == ReduceOp::Product) {
        if (__builtin_mul_overflow(result, term, &result)) {
          fail(frame, "a product leaves 64 bits");
        }
      } else if (first || (expr.reduceOp == ReduceOp::Max ? term > result
                                                          : term < result)) {
        result = term;
      }
      first = false;
    });
    return result;
  }
  case Expr::Kind::Float:
    break;
  }
  llvm_unreachable("an f32 expression where an integer is expected");
}

/// argmax and argmin: the lowest index of the greatest or least term. A NaN
/// goes before any number.
int64_t Interpreter::evaluateIndexOf(const Expr &expr, Frame &frame) {
  const Expr &term = *expr.operands[0];
  const bool isMax = expr.reduceOp == ReduceOp::ArgMax;
  int64_t result = 0;
  bool first = true;
  ElementValue best;
  forEachTerm(expr, frame, [&] {
    ElementValue next;
    bool isBetter = first;
    if (term.isFloat) {
      next.floatValue = evaluateFloat(term, frame);
      isBetter |= !std::isnan(best.floatValue) &&
                  (std::isnan(next.floatValue) ||
                   (isMax ? next.floatValue > best.floatValue
                          : next.floatValue < best.floatValue));
    } else {
      next.intValue = evaluateInt(term, frame);
      isBetter |=
          isMax ? next.intValue > best.intValue : next.intValue < best.intValue;
    }
    if (isBetter) {
      best = next;
      result = frame.indices[expr.indices[0]];
    }
    first = false;
  });
  return result;
}

int64_t Interpreter::evaluateIntUnary(const Expr &expr, Frame &frame) {
  const Expr &operand = *expr.operands[0];
  switch (expr.unaryOp) {
  case UnaryOp::Neg:
  case UnaryOp::Abs: {
    const int64_t value = evaluateInt(operand, frame);
    if (value == INT64_MIN) {
      return fail(frame, "a negation leaves 64 bits");
    }
    return expr.unaryOp == UnaryOp::Neg || value < 0 ? -value : value;
  }
  case UnaryOp::Round:
    return scalar::roundToInt32(evaluateFloat(operand, frame));
  case UnaryOp::Floor:
    return scalar::floorToInt32(evaluateFloat(operand, frame));
  case UnaryOp::Ceil:
    return scalar::ceilToInt32(evaluateFloat(operand, frame));
  case UnaryOp::Trunc:
    return scalar::truncToInt32(evaluateFloat(operand, frame));
  case UnaryOp::RoundHalfAway:
    return scalar::roundHalfAwayToInt32(evaluateFloat(operand, frame));
  case UnaryOp::RoundHalfUp:
    return scalar::roundHalfUpToInt32(evaluateFloat(operand, frame));
  case UnaryOp::Wrap32:
    return scalar::wrap32(evaluateInt(operand, frame));
  case UnaryOp::ToFloat:
  case UnaryOp::Random:
  case UnaryOp::Function:
    break;
  }
  llvm_unreachable("an f32 operation where an integer is expected");
}

int64_t Interpreter::evaluateDivision(const Expr &expr, int64_t a, int64_t b,
                                      const Frame &frame) {
  if (b == 0 || (a == INT64_MIN && b == -1)) {
    return fail(frame,
                b == 0 ? "a division by zero" : "a division leaves 64 bits");
  }
  return expr.binaryOp == BinaryOp::FloorDiv ? scalar::floorDiv(a, b)
                                             : scalar::roundDiv(a, b);
}

int64_t Interpreter::evaluateIntBinary(const Expr &expr, Frame &frame) {
  if (expr.binaryOp >= BinaryOp::Lt) {
    return evaluateComparison(expr, frame);
  }
  const int64_t a = evaluateInt(*expr.operands[0], frame);
  const int64_t b = evaluateInt(*expr.operands[1], frame);
  int64_t result = 0;
  bool overflow = false;
  switch (expr.binaryOp) {
  case BinaryOp::Add:
    overflow = __builtin_add_overflow(a, b, &result);
    break;
  case BinaryOp::Sub:
    overflow = __builtin_sub_overflow(a, b, &result);
    break;
  case BinaryOp::Mul:
    overflow = __builtin_mul_overflow(a, b, &result);
    break;
  case BinaryOp::FloorDiv:
  case BinaryOp::RoundDiv:
    return evaluateDivision(expr, a, b, frame);
  case BinaryOp::Mod:
    return b == 0 ? fail(frame, "a division by zero") : scalar::floorMod(a, b);
  case BinaryOp::ShiftRight:
  case BinaryOp::ShiftLeft:
    if (b < 0 || b > 63) {
      return fail(frame,
                  "a shift by " + std::to_string(b) + ", expected 0 to 63");
    }
    if (expr.binaryOp == BinaryOp::ShiftRight) {
      return scalar::shiftRight(a, b);
    }
    result = static_cast<int64_t>(static_cast<uint64_t>(a) << b);
    overflow = scalar::shiftRight(result, b) != a;
    break;
  case BinaryOp::BitAnd:
    return a & b;
  case BinaryOp::BitOr:
    return a | b;
  case BinaryOp::BitXor:
    return a ^ b;
  case BinaryOp::Min:
    return a < b ? a : b;
  case BinaryOp::Max:
    return a > b ? a : b;
  default:
    llvm_unreachable("an f32 operation where an integer is expected");
  }
  return overflow ? fail(frame, "an operation leaves 64 bits") : result;
}

template <typename T>
static bool compare(BinaryOp op, T a, T b) {
  switch (op) {
  case BinaryOp::Lt:
    return a < b;
  case BinaryOp::Le:
    return a <= b;
  case BinaryOp::Gt:
    return a > b;
  case BinaryOp::Ge:
    return a >= b;
  case BinaryOp::Eq:
    return a == b;
  case BinaryOp::Ne:
    return a != b;
  default:
    llvm_unreachable("not a comparison");
  }
}

int64_t Interpreter::evaluateComparison(const Expr &expr, Frame &frame) {
  const Expr &left = *expr.operands[0];
  const Expr &right = *expr.operands[1];
  assert(left.isFloat == right.isFloat && "operands of one type");
  if (left.isFloat) {
    const float a = evaluateFloat(left, frame);
    return compare(expr.binaryOp, a, evaluateFloat(right, frame)) ? 1 : 0;
  }
  const int64_t a = evaluateInt(left, frame);
  return compare(expr.binaryOp, a, evaluateInt(right, frame)) ? 1 : 0;
}

/// The operand that the condition takes.
const Expr &Interpreter::selected(const Expr &expr, Frame &frame) {
  return *expr.operands[evaluateInt(*expr.operands[0], frame) != 0 ? 1 : 2];
}

int64_t Interpreter::evaluateRescale(const Expr &expr, Frame &frame) {
  const int64_t acc = evaluateInt(*expr.operands[0], frame);
  const int64_t mult = evaluateInt(*expr.operands[1], frame);
  const int64_t shift = evaluateInt(*expr.operands[2], frame);
  if (acc < INT32_MIN || acc > INT32_MAX) {
    return fail(frame, "rescale of " + std::to_string(acc) +
                           ", expected a value of i32");
  }
  if (mult < 0 || mult > INT32_MAX) {
    return fail(frame, "rescale by the multiplier " + std::to_string(mult) +
                           ", expected 0 to 2147483647");
  }
  if (shift < -31 || shift > 30) {
    return fail(frame, "rescale by the shift " + std::to_string(shift) +
                           ", expected -31 to 30");
  }
  return scalar::rescale(int32_t(acc), int32_t(mult), int32_t(shift));
}

} // namespace lpgen
