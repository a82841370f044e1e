// Operators on known numbers, and those that make them.
#include "networks/import/onnx/Lowering.h"
#include <algorithm>
#include <cmath>
#include <numeric>

namespace lpgen::importer::onnx {

namespace {
using Binary = double (*)(double, double);
using Unary = double (*)(double);
struct BinaryRule {
  const char *operation;
  Binary compute;
};
struct UnaryRule {
  const char *operation;
  Unary compute;
};
} // namespace

static constexpr BinaryRule binaryRules[] = {
    {"Add", [](double a, double b) { return a + b; }},
    {"Sub", [](double a, double b) { return a - b; }},
    {"Mul", [](double a, double b) { return a * b; }},
    {"Div", [](double a, double b) { return a / b; }},
    {"Pow", [](double a,
               double b) { return b == 0.5 ? std::sqrt(a) : std::pow(a, b); }},
    {"Min", [](double a, double b) { return std::min(a, b); }},
    {"Max", [](double a, double b) { return std::max(a, b); }},
};
static constexpr UnaryRule unaryRules[] = {
    {"Sqrt", [](double a) { return std::sqrt(a); }},
    {"Neg", [](double a) { return -a; }},
    {"Abs", [](double a) { return std::abs(a); }},
    {"Floor", [](double a) { return std::floor(a); }},
    {"Ceil", [](double a) { return std::ceil(a); }},
    {"Round", [](double a) { return std::nearbyint(a); }},
    {"Reciprocal", [](double a) { return 1 / a; }},
    {"Exp", [](double a) { return std::exp(a); }},
    {"Log", [](double a) { return std::log(a); }},
    {"Relu", [](double a) { return std::max(a, 0.0); }},
    {"Sign", [](double a) { return a > 0   ? 1.0
                                   : a < 0 ? -1.0
                                           : 0.0; }},
    {"Identity", [](double a) { return a; }},
};

static constexpr BinaryRule truthRules[] = {
    {"Equal", [](double a, double b) { return double(a == b); }},
    {"Greater", [](double a, double b) { return double(a > b); }},
    {"Less", [](double a, double b) { return double(a < b); }},
    {"GreaterOrEqual", [](double a, double b) { return double(a >= b); }},
    {"LessOrEqual", [](double a, double b) { return double(a <= b); }},
    {"And", [](double a, double b) { return double(a != 0 && b != 0); }},
    {"Or", [](double a, double b) { return double(a != 0 || b != 0); }},
};

/// Of a result: numbers that a file does not hold take little memory.
constexpr int64_t mostElements = int64_t{1} << 24;

/// As the type keeps it.
static double rounded(double value, bool isInteger) {
  return isInteger ? std::trunc(value) : double(float(value));
}

static std::optional<Constant> foldBinary(Binary compute, const Constant &a,
                                          const Constant &b) {
  const std::optional<Extents> shape = broadcastShape(a.shape, b.shape);
  if (!shape || elementCount(*shape) > mostElements) {
    return std::nullopt;
  }
  Constant result;
  result.shape = *shape;
  result.isInteger = a.isInteger && b.isInteger;
  result.bits = std::max(a.bits, b.bits);
  forEachElement(*shape, [&](const Extents &indices) {
    result.values.push_back(
        rounded(compute(a.broadcastAt(indices), b.broadcastAt(indices)),
                result.isInteger));
  });
  return result;
}

/// The first one where the condition holds, else the second one.
static std::optional<Constant> foldWhere(std::span<const Constant> inputs) {
  const auto inner = broadcastShape(inputs[1].shape, inputs[2].shape);
  const auto shape =
      inner ? broadcastShape(inputs[0].shape, *inner) : std::nullopt;
  if (!shape || elementCount(*shape) > mostElements) {
    return std::nullopt;
  }
  Constant result;
  result.shape = *shape;
  result.isInteger = inputs[1].isInteger && inputs[2].isInteger;
  result.bits = std::max(inputs[1].bits, inputs[2].bits);
  forEachElement(*shape, [&](const Extents &indices) {
    const bool holds = inputs[0].broadcastAt(indices) != 0;
    result.values.push_back(inputs[holds ? 1 : 2].broadcastAt(indices));
  });
  return result;
}

static std::optional<int64_t> axisOf(int64_t axis, size_t rank) {
  axis = axis < 0 ? axis + int64_t(rank) : axis;
  return axis >= 0 && axis < int64_t(rank) ? std::optional(axis) : std::nullopt;
}

/// Elements of `data` along an axis, by their numbers.
static std::optional<Constant>
foldGather(const Node &node, const Constant &data, const Constant &indices) {
  const auto axis = axisOf(node.integer("axis", 0), data.shape.size());
  if (!axis) {
    return std::nullopt;
  }
  Constant result = data;
  const auto at = data.shape.begin() + *axis;
  result.shape.assign(data.shape.begin(), at);
  result.shape.insert(result.shape.end(), indices.shape.begin(),
                      indices.shape.end());
  result.shape.insert(result.shape.end(), at + 1, data.shape.end());
  result.values.clear();
  if (elementCount(result.shape) > mostElements) {
    return std::nullopt;
  }
  const int64_t inner = std::accumulate(at + 1, data.shape.end(), int64_t{1},
                                        std::multiplies<>());
  const int64_t outer =
      std::accumulate(data.shape.begin(), at, int64_t{1}, std::multiplies<>());
  for (int64_t o = 0; o < outer; ++o) {
    for (int64_t index : indices.integers()) {
      index += index < 0 ? *at : 0;
      if (index < 0 || index >= *at) {
        return std::nullopt;
      }
      const auto from = data.values.begin() + (o * *at + index) * inner;
      result.values.insert(result.values.end(), from, from + inner);
    }
  }
  return result;
}

static std::optional<Constant> foldConcat(const Node &node,
                                          std::span<const Constant> inputs) {
  const size_t rank = inputs.front().shape.size();
  const auto axis = axisOf(node.integer("axis", 0), rank);
  if (!axis) {
    return std::nullopt;
  }
  Constant result = inputs.front();
  result.values.clear();
  result.shape[size_t(*axis)] = 0;
  int64_t outer = 1;
  for (int64_t d = 0; d < *axis; ++d) {
    outer *= inputs.front().shape[size_t(d)];
  }
  for (const Constant &input : inputs) {
    if (input.shape.size() != rank || outer == 0 ||
        input.count() % outer != 0) {
      return std::nullopt;
    }
    result.shape[size_t(*axis)] += input.shape[size_t(*axis)];
    if (elementCount(result.shape) > mostElements) {
      return std::nullopt;
    }
  }
  for (int64_t o = 0; o < outer; ++o) {
    for (const Constant &input : inputs) {
      const int64_t part = input.count() / outer;
      const auto from = input.values.begin() + o * part;
      result.values.insert(result.values.end(), from, from + part);
    }
  }
  if (elementCount(result.shape) != result.count()) {
    return std::nullopt;
  }
  return result;
}

static std::optional<Constant> foldCast(const Node &node,
                                        const Constant &input) {
  const DataTypeInfo *type = findDataType(int(node.integer("to", 1)));
  if (!type) {
    return std::nullopt;
  }
  Constant result = input;
  result.isInteger = type->isInteger;
  result.bits = type->bits;
  for (double &value : result.values) {
    value = type->type == DataType::Bool ? double(value != 0)
                                         : rounded(value, type->isInteger);
  }
  return result;
}

std::optional<Constant> fold(const Node &node,
                             std::span<const Constant> inputs) {
  for (const BinaryRule &rule : binaryRules) {
    if (node.operation == rule.operation && inputs.size() == 2) {
      return foldBinary(rule.compute, inputs[0], inputs[1]);
    }
  }
  for (const BinaryRule &rule : truthRules) {
    if (node.operation == rule.operation && inputs.size() == 2) {
      std::optional<Constant> result =
          foldBinary(rule.compute, inputs[0], inputs[1]);
      if (result) {
        result->isInteger = true;
        result->isSigned = false;
      }
      return result;
    }
  }
  for (const UnaryRule &rule : unaryRules) {
    if (node.operation == rule.operation && inputs.size() == 1) {
      Constant result = inputs[0];
      for (double &value : result.values) {
        value = rounded(rule.compute(value), result.isInteger);
      }
      return result;
    }
  }
  if (node.operation == "Gather" && inputs.size() == 2) {
    return foldGather(node, inputs[0], inputs[1]);
  }
  if (node.operation == "Where" && inputs.size() == 3) {
    return foldWhere(inputs);
  }
  if (node.operation == "Concat") {
    return foldConcat(node, inputs);
  }
  if (node.operation == "Cast") {
    return foldCast(node, inputs[0]);
  }
  return std::nullopt;
}

static Outcome lowerConstant(Lowering &lowering, const Node &node) {
  for (const auto &[name, attribute] : node.attributes) {
    Constant result;
    switch (attribute.kind) {
    case Attribute::Kind::Tensor:
      result = attribute.tensor;
      break;
    case Attribute::Kind::Float:
      result = Constant::scalar(attribute.real);
      break;
    case Attribute::Kind::Int:
      result = Constant::scalar(double(attribute.integer), true);
      break;
    case Attribute::Kind::Floats:
      result.values.assign(attribute.reals.begin(), attribute.reals.end());
      result.shape = {result.count()};
      break;
    case Attribute::Kind::Ints:
      result.values.assign(attribute.integers.begin(),
                           attribute.integers.end());
      result.isInteger = true;
      result.shape = {result.count()};
      break;
    default:
      continue;
    }
    lowering.defineConstant(node, std::move(result));
    return std::nullopt;
  }
  return Refusal{"value", "it has no value that is supported", ""};
}

static Outcome lowerConstantOfShape(Lowering &lowering, const Node &node) {
  const std::optional<Constant> shape = lowering.constantInput(node, 0);
  if (!shape) {
    return Refusal{"input", "the shape is not known", ""};
  }
  Constant result;
  result.shape = shape->integers();
  int64_t count = 1;
  for (const int64_t extent : result.shape) {
    if (extent < 0 || __builtin_mul_overflow(count, extent, &count) ||
        count > (1 << 24)) {
      return Refusal{"input", "the shape is negative or too large", ""};
    }
  }
  double value = 0;
  if (node.has("value")) {
    const Constant &given = node.attributes.at("value").tensor;
    value = given.values.empty() ? 0 : given.values.front();
    result.isInteger = given.isInteger;
  }
  result.values.assign(size_t(count), value);
  lowering.defineConstant(node, std::move(result));
  return std::nullopt;
}

static Outcome lowerShape(Lowering &lowering, const Node &node) {
  Constant result;
  const Extents shape = lowering.input(node, 0).shape();
  const auto rank = int64_t(shape.size());
  const auto clamped = [&](int64_t at) {
    return std::clamp<int64_t>(at < 0 ? at + rank : at, 0, rank);
  };
  const int64_t start = clamped(node.integer("start", 0));
  const int64_t end = clamped(node.integer("end", rank));
  for (int64_t d = start; d < end; ++d) {
    result.values.push_back(double(shape[size_t(d)]));
  }
  result.shape = {result.count()};
  result.isInteger = true;
  result.bits = 64;
  lowering.defineConstant(node, std::move(result));
  return std::nullopt;
}

std::span<const Rule> foldingRules() {
  static constexpr Rule rules[] = {
      {"Constant", lowerConstant,
       "value value_float value_int value_floats value_ints", 0},
      {"ConstantOfShape", lowerConstantOfShape, "value"},
      {"Shape", lowerShape, "start end"},
  };
  return rules;
}

} // namespace lpgen::importer::onnx
