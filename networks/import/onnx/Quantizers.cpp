// QONNX's quantizers: Quant, BipolarQuant and Trunc.
#include "networks/import/onnx/Quantizers.h"
#include <array>
#include <cmath>

namespace lpgen::importer::onnx {

using builder::Expression;
using Elements = std::span<const Expression>;

/// The sign of each element; zero is positive.
static Outcome lowerSigns(Lowering &lowering, const Node &node,
                          const Constant &scale) {
  const Value &input = lowering.input(node, 0);
  Value result;
  if (!broadcastsTo(scale.shape, input.shape())) {
    return notBroadcast();
  }
  if (input.constant) {
    Constant signs = *lowering.emitter.real(input).constant;
    signs.isInteger = true;
    signs.bits = 1;
    for (double &value : signs.values) {
      value = value >= 0 ? 1 : -1;
    }
    result = constantValue(std::move(signs));
  } else {
    const Value value = lowering.emitter.real(input);
    const bool isInteger = value.isInteger;
    result = *lowering.emitter.elementwise(
        std::span(&value, 1), [isInteger](Elements e) {
          return 2 * (e[0] >=
                      (isInteger ? Expression(0) : Expression::real(0))) -
                 1;
        });
    result.isInteger = true;
    result.lowest = -1;
    result.highest = 1;
    result.isOdd = true;
    result = lowering.emitter.store(result, node.name, result.order);
  }
  result.quantization = quantizationOf(
      {.scale = scale, .zero = Constant::scalar(0, true)}, result.rank());
  lowering.define(node, std::move(result));
  return std::nullopt;
}

static Outcome lowerBipolarQuant(Lowering &lowering, const Node &node) {
  const std::optional<Constant> scale = lowering.constantInput(node, 1);
  if (!scale) {
    return Refusal{"scale", "it is not known", ""};
  }
  if (Outcome refusal = refuseScale(*scale, "scale", true)) {
    return refusal;
  }
  return lowerSigns(lowering, node, *scale);
}

/// The bit width of an input of a quantizer.
static std::optional<unsigned> bitWidth(Lowering &lowering, const Node &node,
                                        size_t input) {
  const std::optional<Constant> bits = lowering.constantInput(node, input);
  if (!bits || !bits->isUniform() || bits->values.empty() ||
      bits->values[0] < 1 || bits->values[0] > 16 ||
      std::trunc(bits->values[0]) != bits->values[0]) {
    return std::nullopt;
  }
  return unsigned(bits->values[0]);
}

static Refusal badWidth() {
  return {"bitwidth", "it is not a known whole number from 1 to 16",
          "export the model with fixed widths"};
}

static Outcome lowerQuant(Lowering &lowering, const Node &node) {
  const std::optional<Constant> scale = lowering.constantInput(node, 1);
  const std::optional<Constant> zero = lowering.constantInput(node, 2);
  const std::optional<unsigned> bits = bitWidth(lowering, node, 3);
  if (!bits) {
    return badWidth();
  }
  if (!scale || !zero || !zero->isIntegral()) {
    return Refusal{scale ? "zeropt" : "scale",
                   "it is not known, or a zero point is no integer", ""};
  }
  if (Outcome refusal = refuseScale(*scale, "scale", false)) {
    return refusal;
  }
  const bool isSigned = node.integer("signed", 1) != 0;
  const std::optional<Rounding> rounding =
      findRounding(node.text("rounding_mode", "ROUND"));
  if (!rounding) {
    return Refusal{
        "rounding_mode",
        "'" + node.text("rounding_mode", "") + "' is not one of QONNX's", ""};
  }
  if (*bits == 1 && isSigned) {
    lowering.note(node, "signed integers of one bit are -1 and 1, as the "
                        "reference of QONNX has them");
    return lowerSigns(lowering, node, *scale);
  }
  Grid grid{
      .scale = *scale, .zero = *zero, .bits = *bits, .rounding = *rounding};
  setRange(grid, isSigned, node.integer("narrow", 0) != 0);
  const Node *reader = lowering.onlyReader(node.outputs[0]);
  std::optional<Value> result =
      quantize(lowering, inReadingOrder(lowering, node), grid, node.name,
               !reader || reader->operation != "Clip");
  if (!result) {
    return notBroadcast();
  }
  result->quantization = quantizationOf(grid, result->rank());
  lowering.define(node, std::move(*result));
  return std::nullopt;
}

/// The bits that a sum loses, in both versions of the operator.
static Outcome lowerTrunc(Lowering &lowering, const Node &node) {
  const bool isSecond = node.inputs.size() >= 6;
  std::array<std::optional<Constant>, 4> numbers = {
      lowering.constantInput(node, 1), lowering.constantInput(node, 2),
      lowering.constantInput(node, 3),
      lowering.constantInput(node, isSecond ? 5 : 4)};
  for (const std::optional<Constant> &number : numbers) {
    if (!number || !number->isUniform()) {
      return Refusal{"", "a scale, zero point or width is not one known number",
                     ""};
    }
  }
  const std::optional<Constant> outScale =
      isSecond ? lowering.constantInput(node, 4) : numbers[0];
  const std::optional<Rounding> rounding =
      findRounding(node.text("rounding_mode", "FLOOR"));
  if (!rounding || !outScale || !outScale->isUniform() ||
      numbers[1]->values[0] != 0) {
    return Refusal{"rounding_mode",
                   "rounding, output scale or a zero point are not supported",
                   ""};
  }
  const double scale = numbers[0]->values[0];
  for (const size_t i : {2, 3}) {
    const double width = numbers[i]->values[0];
    const bool isWidth = width >= 1 && width <= 31; // not NaN either
    if (!isWidth) {
      return badWidth();
    }
  }
  if (!(scale > 0) || !(outScale->values[0] > 0) || std::isinf(scale) ||
      std::isinf(outScale->values[0])) {
    return Refusal{"scale", "it is not positive", ""};
  }
  const auto outBits = unsigned(numbers[3]->values[0]);
  const int shift =
      isSecond ? int(std::nearbyint(std::log2(outScale->values[0] / scale)))
               : int(numbers[2]->values[0]) - int(outBits);
  if (shift < 0 || shift > 31 || outBits < 1 || outBits > 31) {
    return Refusal{"out_bits", "it is more than the width of the input", ""};
  }
  // round(x / scale), then the mode on what the shift leaves.
  Grid first{.scale = Constant::scalar(scale),
             .zero = Constant::scalar(0, true),
             .bits = 31,
             .lowest = INT32_MIN,
             .highest = INT32_MAX,
             .isRoundedFirst = true};
  std::optional<Value> codes =
      quantize(lowering, lowering.input(node, 0), first, node.name + ".code",
               !lowering.input(node, 0).constant);
  Grid second{.scale = Constant::scalar(std::ldexp(1.0, shift)),
              .zero = Constant::scalar(0, true),
              .bits = outBits,
              .lowest = INT32_MIN,
              .highest = INT32_MAX,
              .rounding = *rounding};
  if (isSecond) {
    setRange(second, node.integer("signed", 1) != 0,
             node.integer("narrow", 0) != 0);
  }
  std::optional<Value> result =
      codes ? quantize(lowering, *codes, second, node.name, true)
            : std::nullopt;
  if (!result) {
    return notBroadcast();
  }
  result->quantization =
      quantizationOf({.scale = isSecond ? *outScale : Constant::scalar(scale),
                      .zero = Constant::scalar(0, true)},
                     result->rank());
  lowering.define(node, std::move(*result));
  return std::nullopt;
}

static Outcome refuseFloatQuant(Lowering &lowering, const Node &node) {
  const std::optional<Constant> exponent = lowering.constantInput(node, 2);
  const std::optional<Constant> mantissa = lowering.constantInput(node, 3);
  const auto bits = [](const std::optional<Constant> &number) {
    return number && number->count() == 1
               ? std::to_string(toInteger(number->values[0]))
               : std::string("unknown");
  };
  return Refusal{"",
                 "it makes floating-point numbers of " + bits(exponent) +
                     " exponent and " + bits(mantissa) +
                     " mantissa bits, lpgen quantizes to integers",
                 "train the model with integer quantizers"};
}

std::span<const Rule> quantizerRules() {
  static constexpr Rule rules[] = {
      {"Quant", lowerQuant, "signed narrow rounding_mode", 4},
      {"IntQuant", lowerQuant, "signed narrow rounding_mode", 4},
      {"BipolarQuant", lowerBipolarQuant, "", 2},
      {"Trunc", lowerTrunc, "rounding_mode signed narrow", 5},
      {"FloatQuant", refuseFloatQuant,
       "has_inf has_nan has_subnormal rounding_mode saturation"},
  };
  return rules;
}

} // namespace lpgen::importer::onnx
