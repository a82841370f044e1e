// Quotients: of floats, of integers in tensors of floats, and of integers.
#include "networks/import/onnx/Elementwise.h"
#include <cmath>

namespace lpgen::importer::onnx {

using builder::Expression;

/// 2^k with k > 0, or nothing.
static std::optional<int> powerOfTwo(const Value &value) {
  if (!value.constant || !value.constant->isUniform()) {
    return std::nullopt;
  }
  int exponent = 0;
  const double fraction = std::frexp(value.constant->values.front(), &exponent);
  return fraction == 0.5 && exponent > 1 && exponent <= 32
             ? std::optional(exponent - 1)
             : std::nullopt;
}

/// Quotients of tensors of integers are cut toward zero.
static Outcome divideIntegers(Lowering &lowering, const Node &node,
                              const std::vector<Value> &operands) {
  if (!areIntegers(operands) || !operands[1].constant ||
      operands[1].lowest < 1) {
    return Refusal{"B", "integers are divided by known positive ones only", ""};
  }
  const bool hasNegative = operands[0].lowest < 0;
  std::optional<Value> result =
      lowering.emitter.elementwise(operands, [hasNegative](Elements e) {
        const auto quotient = [&](const Expression &number) {
          return Expression::call("floordiv", {number, e[1]});
        };
        if (!hasNegative) {
          return quotient(e[0]);
        }
        const Expression negative = Expression(0) - e[0];
        return quotient(Expression::call("max", {e[0], 0})) -
               quotient(Expression::call("max", {negative, 0}));
      });
  if (!result) {
    return notBroadcast();
  }
  setRange(*result, operands,
           [](double a, double b) { return std::trunc(a / b); });
  lowering.define(node, std::move(*result));
  return std::nullopt;
}

Outcome lowerDiv(Lowering &lowering, const Node &node) {
  std::vector<Value> operands = realInputs(lowering, node);
  if (lowering.isOfIntegers(node, 0) && lowering.isOfIntegers(node, 1)) {
    return divideIntegers(lowering, node, operands);
  }
  const std::optional<int> shift = powerOfTwo(operands[1]);
  if (operands[0].isInteger && shift && !operands[0].constant) {
    Value result = operands[0]; // which Floor shifts
    result.quantization = Quantization{
        Constant::scalar(std::ldexp(1.0, -*shift)), Constant::scalar(0, true)};
    result.beforeRelu = nullptr;
    lowering.define(node, std::move(result));
    return std::nullopt;
  }
  const bool isIntegerDivision = areIntegers(operands);
  const bool isStep =
      !isIntegerDivision && operands[1].constant && !operands[0].constant;
  std::optional<Value> result =
      isStep ? lowering.emitter.applied(operands[0], ChainOperation::Divide,
                                        *operands[1].constant)
             : std::nullopt;
  if (!result) {
    result =
        lowering.emitter.elementwise(operands, [isIntegerDivision](Elements e) {
          return (isIntegerDivision ? Expression::call("f32", {e[0]}) : e[0]) /
                 e[1];
        });
  }
  if (!result) {
    return notBroadcast();
  }
  lowering.define(node, std::move(*result));
  return std::nullopt;
}

} // namespace lpgen::importer::onnx
