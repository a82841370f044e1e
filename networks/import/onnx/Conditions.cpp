// Comparisons, logic, and choices by them.
#include "networks/import/onnx/Elementwise.h"
#include <algorithm>

namespace lpgen::importer::onnx {

using builder::Expression;

namespace {
/// 1 or 0 for two elements.
struct Condition {
  const char *operation;
  Expression (*of)(const Expression &a, const Expression &b);
};
} // namespace

static constexpr Condition conditions[] = {
    {"Greater", [](const Expression &a, const Expression &b) { return a > b; }},
    {"Less", [](const Expression &a, const Expression &b) { return b > a; }},
    {"GreaterOrEqual",
     [](const Expression &a, const Expression &b) { return a >= b; }},
    {"LessOrEqual",
     [](const Expression &a, const Expression &b) { return b >= a; }},
    {"Equal",
     [](const Expression &a, const Expression &b) { return 1 - (a != b); }},
    {"And", [](const Expression &a, const Expression &b) { return a * b; }},
    {"Or", [](const Expression &a,
              const Expression &b) { return Expression::call("max", {a, b}); }},
    {"Xor", [](const Expression &a, const Expression &b) { return a != b; }},
};

static void makeTruth(Value &value) {
  value.isInteger = true;
  value.lowest = 0;
  value.highest = 1;
}

static Outcome lowerCondition(Lowering &lowering, const Node &node) {
  const auto *const condition =
      std::ranges::find(conditions, node.operation,
                        [](const Condition &each) { return each.operation; });
  std::vector<Value> operands = realInputs(lowering, node);
  const auto isOfIntegers = [](const Value &v) {
    return v.isInteger || (v.constant && v.constant->isIntegral());
  };
  if (std::ranges::all_of(operands, isOfIntegers)) {
    for (Value &operand : operands) {
      if (operand.constant) {
        operand.constant->isInteger = true;
      }
    }
  }
  std::optional<Value> result = lowering.emitter.elementwise(
      operands, [of = condition->of](Elements e) { return of(e[0], e[1]); });
  if (!result) {
    return notBroadcast();
  }
  makeTruth(*result);
  lowering.define(node, std::move(*result));
  return std::nullopt;
}

static Outcome lowerNot(Lowering &lowering, const Node &node) {
  Value result =
      mapped(lowering, lowering.emitter.real(lowering.input(node, 0)),
             [](const Expression &e) { return 1 - e; });
  makeTruth(result);
  lowering.define(node, std::move(result));
  return std::nullopt;
}

/// The first one where the condition holds, else the second one.
static Outcome lowerWhere(Lowering &lowering, const Node &node) {
  Emitter &emitter = lowering.emitter;
  std::vector<Value> operands = {emitter.real(lowering.input(node, 0)),
                                 emitter.real(lowering.input(node, 1)),
                                 emitter.real(lowering.input(node, 2))};
  if (!operands[0].isInteger) {
    return Refusal{"condition", "its elements are no truth values", ""};
  }
  std::optional<Value> result = emitter.elementwise(operands, [](Elements e) {
    return Expression::call("select", {e[0], e[1], e[2]});
  });
  if (!result) {
    return notBroadcast();
  }
  if (operands[1].isInteger && operands[2].isInteger) {
    result->isInteger = true;
    result->lowest = std::min(operands[1].lowest, operands[2].lowest);
    result->highest = std::max(operands[1].highest, operands[2].highest);
  }
  lowering.define(node, std::move(*result));
  return std::nullopt;
}

std::span<const Rule> conditionRules() {
  static constexpr Rule rules[] = {
      {"Greater", lowerCondition, "", 2},
      {"Less", lowerCondition, "", 2},
      {"GreaterOrEqual", lowerCondition, "", 2},
      {"LessOrEqual", lowerCondition, "", 2},
      {"Equal", lowerCondition, "", 2},
      {"And", lowerCondition, "", 2},
      {"Or", lowerCondition, "", 2},
      {"Xor", lowerCondition, "", 2},
      {"Not", lowerNot, ""},
      {"Where", lowerWhere, "", 3},
  };
  return rules;
}

} // namespace lpgen::importer::onnx
