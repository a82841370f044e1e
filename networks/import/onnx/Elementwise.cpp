// Operators of one element.
#include "networks/import/onnx/Elementwise.h"
#include "networks/import/Spread.h"
#include <algorithm>
#include <cmath>

namespace lpgen::importer::onnx {

using builder::Expression;

Value mapped(Lowering &lowering, const Value &value,
             const std::function<Expression(const Expression &)> &operation) {
  return *lowering.emitter.elementwise(
      std::span(&value, 1),
      [operation](Elements e) { return operation(e[0]); });
}

std::vector<Value> realInputs(Lowering &lowering, const Node &node) {
  Emitter &emitter = lowering.emitter;
  return {emitter.real(lowering.input(node, 0)),
          emitter.real(lowering.input(node, 1))};
}

/// Integers of a tensor of floats stay integers: numbers that are whole become
/// integers beside them.
static void makeIntegers(std::vector<Value> &operands) {
  const bool areIntegers = std::ranges::all_of(operands, [](const Value &v) {
    return v.isInteger || (v.constant && v.constant->isIntegral());
  });
  const bool isKnown = std::ranges::all_of(
      operands, [](const Value &v) { return v.constant.has_value(); });
  if (!areIntegers || isKnown) {
    return;
  }
  for (Value &operand : operands) {
    if (operand.constant && !operand.isInteger) {
      Constant constant = *operand.constant;
      constant.isInteger = true;
      operand = constantValue(std::move(constant));
    }
  }
}

/// The range of the result, if it is one of integers and fits.
void setRange(Value &value, const std::vector<Value> &operands,
              double (*combine)(double, double)) {
  const Value &a = operands[0];
  const Value &b = operands[1];
  double lowest = INFINITY;
  double highest = -INFINITY;
  for (const int64_t x : {a.lowest, a.highest}) {
    for (const int64_t y : {b.lowest, b.highest}) {
      lowest = std::min(lowest, combine(double(x), double(y)));
      highest = std::max(highest, combine(double(x), double(y)));
    }
  }
  if (lowest > -0x1p62 && highest < 0x1p62) {
    value.isInteger = true;
    value.lowest = int64_t(lowest);
    value.highest = int64_t(highest);
  }
}

bool areIntegers(const std::vector<Value> &operands) {
  return std::ranges::all_of(operands,
                             [](const Value &v) { return v.isInteger; });
}

/// The operation with a known number as a step of a chain; nothing if none of
/// the two is known, or both are.
static std::optional<Value> appliedTo(Lowering &lowering,
                                      const std::vector<Value> &operands,
                                      ChainOperation operation) {
  const bool isLeftKnown = operands[0].constant.has_value();
  if (isLeftKnown == operands[1].constant.has_value()) {
    return std::nullopt;
  }
  const Value &value = operands[isLeftKnown ? 1 : 0];
  const Constant &number = *operands[isLeftKnown ? 0 : 1].constant;
  return lowering.emitter.applied(value,
                                  isLeftKnown &&
                                          operation == ChainOperation::Subtract
                                      ? ChainOperation::SubtractFrom
                                      : operation,
                                  number);
}

/// The operation on all inputs, from the first on.
template <typename Operation>
static std::optional<Value>
combined(Lowering &lowering, const Node &node, Operation operation,
         double (*range)(double, double),
         std::optional<ChainOperation> chainOperation = std::nullopt) {
  Value result = lowering.emitter.real(lowering.input(node, 0));
  for (size_t i = 1; i < node.inputs.size(); ++i) {
    if (!node.hasInput(i)) {
      return std::nullopt;
    }
    std::vector<Value> operands = {
        std::move(result), lowering.emitter.real(lowering.input(node, i))};
    makeIntegers(operands);
    std::optional<Value> next =
        chainOperation ? appliedTo(lowering, operands, *chainOperation)
                       : std::nullopt;
    if (!next) {
      next = lowering.emitter.elementwise(
          operands, [operation](Elements e) { return operation(e[0], e[1]); });
    }
    if (!next) {
      return std::nullopt;
    }
    result = std::move(*next);
    if (areIntegers(operands)) {
      setRange(result, operands, range);
    }
  }
  return result;
}

template <typename Operation>
static Outcome
lowerArithmetic(Lowering &lowering, const Node &node, Operation operation,
                double (*range)(double, double),
                std::optional<ChainOperation> chainOperation = std::nullopt) {
  std::optional<Value> result =
      combined(lowering, node, operation, range, chainOperation);
  if (!result) {
    return notBroadcast();
  }
  lowering.define(node, std::move(*result));
  return std::nullopt;
}

static Outcome lowerAdd(Lowering &lowering, const Node &node) {
  return lowerArithmetic(
      lowering, node,
      [](const Expression &a, const Expression &b) { return a + b; },
      [](double a, double b) { return a + b; }, ChainOperation::Add);
}
static Outcome lowerSub(Lowering &lowering, const Node &node) {
  return lowerArithmetic(
      lowering, node,
      [](const Expression &a, const Expression &b) { return a - b; },
      [](double a, double b) { return a - b; }, ChainOperation::Subtract);
}
/// The sum of all inputs divided by their number.
static Outcome lowerMean(Lowering &lowering, const Node &node) {
  const std::optional<Value> sum = combined(
      lowering, node,
      [](const Expression &a, const Expression &b) { return a + b; },
      [](double a, double b) { return a + b; });
  if (!sum) {
    return notBroadcast();
  }
  const auto count = static_cast<float>(node.inputs.size());
  lowering.define(node, mapped(lowering, *sum, [count](const Expression &e) {
                    return Expression::call("f32", {e}) /
                           Expression::real(count);
                  }));
  return std::nullopt;
}
/// Codes times a scale that a node of its own has: what Quant with this scale
/// gives. Nothing if the product is another one.
static std::optional<Value> scaledCodes(Lowering &lowering, const Node &node) {
  constexpr int64_t mostCode = 1 << 16;
  const Value codes = lowering.emitter.real(lowering.input(node, 0));
  const Value &scale = lowering.input(node, 1);
  if (codes.constant || !codes.isInteger || codes.lowest < -mostCode ||
      codes.highest > mostCode || !scale.constant ||
      !scale.constant->isUniform() || scale.constant->isInteger ||
      scale.rank() > codes.rank()) {
    return std::nullopt;
  }
  const double factor = scale.constant->values.front();
  if (!(factor > 0) || std::isinf(factor) || factor == std::trunc(factor)) {
    return std::nullopt;
  }
  Value result = codes;
  result.quantization =
      Quantization{Constant::scalar(factor), Constant::scalar(0, true)};
  result.beforeRelu = nullptr;
  return result;
}

static Outcome lowerMul(Lowering &lowering, const Node &node) {
  if (std::optional<Value> scaled = scaledCodes(lowering, node)) {
    lowering.define(node, std::move(*scaled));
    return std::nullopt;
  }
  return lowerArithmetic(
      lowering, node,
      [](const Expression &a, const Expression &b) { return a * b; },
      [](double a, double b) { return a * b; }, ChainOperation::Multiply);
}
static Outcome lowerMin(Lowering &lowering, const Node &node) {
  return lowerArithmetic(
      lowering, node,
      [](const Expression &a, const Expression &b) {
        return Expression::call("min", {a, b});
      },
      [](double a, double b) { return std::min(a, b); });
}
static Outcome lowerMax(Lowering &lowering, const Node &node) {
  return lowerArithmetic(
      lowering, node,
      [](const Expression &a, const Expression &b) {
        return Expression::call("max", {a, b});
      },
      [](double a, double b) { return std::max(a, b); });
}

static Value reluOf(Lowering &lowering, const Value &input) {
  if (const std::optional<Value> inner = innerOf(input)) {
    return spreadOut(reluOf(lowering, *inner), input.read.spread->factors);
  }
  const std::optional<Quantization> &quantization = input.quantization;
  // With positive scales and one zero it is one of the codes.
  const bool isOfCodes =
      !quantization || (quantization->zero.isUniform() &&
                        std::ranges::all_of(quantization->scale.values,
                                            [](double s) { return s > 0; }));
  const Value value = isOfCodes ? input : lowering.emitter.real(input);
  const int64_t zero =
      isOfCodes && quantization ? int64_t(quantization->zero.values[0]) : 0;
  Value result = mapped(lowering, value, [zero](const Expression &e) {
    return zero == 0 ? Expression::call("relu", {e})
                     : Expression::call("max", {e, zero});
  });
  result.isInteger = value.isInteger;
  result.lowest = std::max(value.lowest, zero);
  result.highest = std::max(value.highest, zero);
  result.quantization = value.quantization;
  result.beforeRelu = value.read;
  return result;
}

static Outcome lowerRelu(Lowering &lowering, const Node &node) {
  lowering.define(node, reluOf(lowering, lowering.input(node, 0)));
  return std::nullopt;
}

static std::optional<double> bound(Lowering &lowering, const Node &node,
                                   const char *attribute, size_t input) {
  if (node.has(attribute)) {
    return node.real(attribute, 0);
  }
  const std::optional<Constant> given = lowering.constantInput(node, input);
  return given && given->count() == 1 ? std::optional(given->values[0])
                                      : std::nullopt;
}

static Outcome lowerClip(Lowering &lowering, const Node &node) {
  for (const size_t i : {1, 2}) {
    if (node.hasInput(i) && !lowering.constantInput(node, i)) {
      return Refusal{i == 1 ? "min" : "max", "it is not known", ""};
    }
  }
  const Value value = lowering.emitter.real(lowering.input(node, 0));
  std::optional<double> lowest = bound(lowering, node, "min", 1);
  std::optional<double> highest = bound(lowering, node, "max", 2);
  const auto isNone = [](const std::optional<double> &limit) {
    return !limit || !(std::abs(*limit) <= 3.4e38);
  };
  const bool isInteger = value.isInteger &&
                         (isNone(lowest) || std::trunc(*lowest) == *lowest) &&
                         (isNone(highest) || std::trunc(*highest) == *highest);
  const auto number = [isInteger](double v) {
    return isInteger ? Expression(toInteger(v)) : Expression::real(float(v));
  };
  Value result = mapped(lowering, value, [=](const Expression &e) {
    if (isNone(lowest) && isNone(highest)) {
      return e;
    }
    if (isNone(lowest)) {
      return Expression::call("min", {e, number(*highest)});
    }
    return isNone(highest) ? Expression::call("max", {e, number(*lowest)})
                           : Expression::call("clamp", {e, number(*lowest),
                                                        number(*highest)});
  });
  result.isInteger = isInteger;
  result.lowest = isNone(lowest) ? value.lowest
                                 : std::max(value.lowest, toInteger(*lowest));
  result.highest = isNone(highest)
                       ? value.highest
                       : std::min(value.highest, toInteger(*highest));
  // Bounds in the wrong order: the upper one is what is left.
  result.lowest = isNone(highest)
                      ? result.lowest
                      : std::min(result.lowest, toInteger(*highest));
  result.highest = std::max(result.lowest, result.highest);
  lowering.define(node, std::move(result));
  return std::nullopt;
}

/// Rounding to an integer of 32 bits, at whose ends it saturates.
static Outcome lowerRounding(Lowering &lowering, const Node &node,
                             const char *function) {
  const Value &input = lowering.input(node, 0);
  const bool isFloor = std::string_view(function) == "floor";
  if (input.isInteger && input.quantization && isFloor &&
      input.quantization->scale.isUniform() &&
      input.quantization->zero.values == std::vector<double>{0}) {
    const int shift = -std::ilogb(input.quantization->scale.values[0]);
    if (shift > 0 &&
        input.quantization->scale.values[0] == std::ldexp(1.0, -shift)) {
      Value result = mapped(lowering, input, [shift](const Expression &e) {
        return e >> Expression(shift);
      });
      result.isInteger = true;
      result.lowest = input.lowest >> shift;
      result.highest = input.highest >> shift;
      lowering.define(node, std::move(result));
      return std::nullopt;
    }
  }
  const Value value = lowering.emitter.real(input);
  if (value.isInteger) {
    lowering.define(node, value);
    return std::nullopt;
  }
  Value result = mapped(lowering, value, [function](const Expression &e) {
    return Expression::call(function, {e});
  });
  result.isInteger = true;
  result.lowest = INT32_MIN;
  result.highest = INT32_MAX;
  lowering.define(node, std::move(result));
  return std::nullopt;
}
static Outcome lowerFloor(Lowering &lowering, const Node &node) {
  return lowerRounding(lowering, node, "floor");
}
static Outcome lowerCeil(Lowering &lowering, const Node &node) {
  return lowerRounding(lowering, node, "ceil");
}
static Outcome lowerRound(Lowering &lowering, const Node &node) {
  return lowerRounding(lowering, node, "round");
}

/// 1 for what is not 0, a NaN too.
static Outcome lowerTruth(Lowering &lowering, const Node &node) {
  const Value value = lowering.emitter.real(lowering.input(node, 0));
  Value result = mapped(
      lowering, value, [isInteger = value.isInteger](const Expression &e) {
        return e != (isInteger ? Expression(0) : Expression::real(0));
      });
  result.isInteger = true;
  result.lowest = 0;
  result.highest = 1;
  lowering.define(node, std::move(result));
  return std::nullopt;
}

static Outcome lowerCast(Lowering &lowering, const Node &node) {
  const DataTypeInfo *type = findDataType(int(node.integer("to", 1)));
  if (!type) {
    return Refusal{"to",
                   "the type with code " +
                       std::to_string(node.integer("to", 1)) +
                       " is not supported",
                   ""};
  }
  if (type->type == DataType::Bool) {
    return lowerTruth(lowering, node);
  }
  return type->isInteger
             ? lowerRounding(lowering, node, "trunc")
             : (lowering.define(node, lowering.input(node, 0)), std::nullopt);
}

static Outcome lowerNeg(Lowering &lowering, const Node &node) {
  const Value value = lowering.emitter.real(lowering.input(node, 0));
  Value result = mapped(lowering, value,
                        [](const Expression &e) { return Expression(0) - e; });
  result.isInteger = value.isInteger;
  result.lowest = -value.highest;
  result.highest = -value.lowest;
  lowering.define(node, std::move(result));
  return std::nullopt;
}

static Outcome lowerIdentity(Lowering &lowering, const Node &node) {
  lowering.define(node, lowering.input(node, 0));
  return std::nullopt;
}

/// (x - mean) / sqrt(variance + epsilon) * scale + bias
static Outcome lowerBatchNorm(Lowering &lowering, const Node &node) {
  Value value = lowering.emitter.real(lowering.input(node, 0));
  std::vector<Constant> known;
  if (value.rank() < 2) {
    return Refusal{"", "its input has no dimension of channels", ""};
  }
  if (node.integer("training_mode", 0) != 0 ||
      node.integer("spatial", 1) == 0) {
    return Refusal{"training_mode or spatial",
                   "statistics of the input, or of single elements, are not "
                   "supported",
                   "export the model for inference"};
  }
  for (size_t i = 1; i < 5; ++i) {
    std::optional<Constant> constant = lowering.constantInput(node, i);
    if (!constant || constant->count() != value.extent(1)) {
      return Refusal{node.inputs[i],
                     "it is not known, or its length is not the number of "
                     "channels",
                     ""};
    }
    if (i == 4) {
      const float epsilon = node.real("epsilon", 1e-5F);
      for (double &v : constant->values) {
        v = std::sqrt(float(v) + epsilon);
      }
      constant->name += ".deviation";
    }
    known.push_back(alongDim(*constant, 1, value.rank()));
  }
  const auto apply = [&](ChainOperation operation, const Constant &number) {
    value = *lowering.emitter.applied(value, operation, number);
  };
  apply(ChainOperation::Subtract, known[2]);
  apply(ChainOperation::Divide, known[3]);
  apply(ChainOperation::Multiply, known[0]);
  apply(ChainOperation::Add, known[1]);
  lowering.define(node, std::move(value));
  return std::nullopt;
}

std::span<const Rule> elementwiseRules() {
  static constexpr Rule rules[] = {
      {"Add", lowerAdd, "", 2},
      {"Sum", lowerAdd, ""},
      {"Mean", lowerMean, ""},
      {"Sub", lowerSub, "", 2},
      {"Mul", lowerMul, "", 2},
      {"Div", lowerDiv, "", 2},
      {"Min", lowerMin, ""},
      {"Max", lowerMax, ""},
      {"Relu", lowerRelu, ""},
      {"Clip", lowerClip, "min max"},
      {"Floor", lowerFloor, ""},
      {"Ceil", lowerCeil, ""},
      {"Round", lowerRound, ""},
      {"Cast", lowerCast, "to saturate"},
      {"Neg", lowerNeg, ""},
      {"Identity", lowerIdentity, ""},
      {"Dropout", lowerIdentity, "ratio seed"},
      {"BatchNormalization", lowerBatchNorm,
       "epsilon momentum spatial training_mode", 5},
  };
  return rules;
}

} // namespace lpgen::importer::onnx
