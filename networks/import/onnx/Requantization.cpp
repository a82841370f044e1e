// RequantShift of Deeploy: integers to another grid by a factor, an offset and
// a division that rounds halves up.
#include "networks/import/onnx/Elementwise.h"
#include <bit>
#include <cmath>

namespace lpgen::importer::onnx {

using builder::Expression;

/// An attribute that is a number, or a tensor of one.
static std::optional<int64_t> numberOf(const Node &node,
                                       const std::string &attribute) {
  const auto found = node.attributes.find(attribute);
  if (found == node.attributes.end()) {
    return std::nullopt;
  }
  const Attribute &given = found->second;
  const double number =
      given.kind == Attribute::Kind::Int     ? double(given.integer)
      : given.kind == Attribute::Kind::Float ? double(given.real)
      : given.tensor.count() == 1            ? given.tensor.values[0]
                                             : NAN;
  constexpr double most = 0x1p31;
  return std::abs(number) <= most && std::trunc(number) == number
             ? std::optional(int64_t(number))
             : std::nullopt;
}

/// floor(number / divisor + 1/2), in integers.
static Expression halfUpDivided(const Expression &number, int64_t divisor) {
  if (divisor == 1) {
    return number;
  }
  if (std::has_single_bit(uint64_t(divisor))) {
    return (number + Expression(divisor / 2)) >>
           Expression(std::countr_zero(uint64_t(divisor)));
  }
  return Expression::call(
      "floordiv", {2 * number + Expression(divisor), Expression(2 * divisor)});
}

/// clamp(floor((x * factor + offset) / div + 1/2), ...), of integers.
static Outcome lowerRequantShift(Lowering &lowering, const Node &node) {
  const Value x = lowering.emitter.real(lowering.input(node, 0));
  std::optional<Constant> factor = lowering.constantInput(node, 1);
  std::optional<Constant> offset = lowering.constantInput(node, 2);
  const std::optional<int64_t> divisor = numberOf(node, "div");
  const std::optional<int64_t> levels =
      numberOf(node, node.has("n_levels_out") ? "n_levels_out" : "n_levels");
  const std::optional<int64_t> isSigned = numberOf(node, "signed");
  constexpr int64_t mostLevels = 1 << 16;
  if (!divisor || *divisor < 1 || !levels || *levels < 2 ||
      *levels > mostLevels || !isSigned) {
    return Refusal{"div, n_levels or signed", "it is missing or out of range",
                   ""};
  }
  if (!x.isInteger || !factor || !offset || !factor->isIntegral() ||
      !offset->isIntegral()) {
    return Refusal{"",
                   "it needs integers, and a factor and an offset that are "
                   "known and whole",
                   "declare an input of integers with --input-type"};
  }
  factor->isInteger = offset->isInteger = true;
  const std::vector<Value> operands = {x, constantValue(*factor),
                                       constantValue(*offset)};
  const int64_t lowest = *isSigned != 0 ? -(*levels / 2) : 0;
  const int64_t highest = lowest + *levels - 1;
  std::optional<Value> result =
      lowering.emitter.elementwise(operands, [=](Elements e) {
        return Expression::call("clamp",
                                {halfUpDivided(e[0] * e[1] + e[2], *divisor),
                                 Expression(lowest), Expression(highest)});
      });
  if (!result || result->shape() != x.shape()) {
    return notBroadcast();
  }
  Value product;
  setRange(product, operands, [](double a, double b) { return a * b; });
  constexpr int64_t mostSum = int64_t{1} << 60;
  if (!product.isInteger || product.lowest < -mostSum ||
      product.highest > mostSum) {
    return Refusal{"", "its products are beyond 64 bits", ""};
  }
  result->isInteger = true;
  result->lowest = lowest;
  result->highest = highest;
  lowering.define(node, std::move(*result));
  return std::nullopt;
}

std::span<const Rule> requantizationRules() {
  static constexpr Rule rules[] = {
      {"RequantShift", lowerRequantShift,
       "channels_first div n_levels n_levels_out signed", 3},
  };
  return rules;
}

} // namespace lpgen::importer::onnx
