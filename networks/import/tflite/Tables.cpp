// Functions of one value of 8 bits: the importer computes all 256 results as
// TFLite's kernels do, and the program looks them up.
#include "networks/import/tflite/Interpolation.h"
#include "networks/import/tflite/Window.h"
#include <algorithm>
#include <cmath>
#include <functional>

namespace lpgen::importer::tflite {

namespace {
/// A function of the value less its zero point, in steps, and of what it
/// stands for; the result before its bounds.
struct UnaryNode {
  Affine x;
  Affine result;
  const TfliteOperator &op;
};
using Function = std::function<int64_t(int64_t)>;
} // namespace

static Outcome importTable(Importer &importer, const TfliteOperator &op,
                           const std::function<Function(const UnaryNode &)> &of,
                           Activation activation = Activation::None) {
  if (!importer.hasOperand(op, 0)) {
    return Refusal{"input", "it is a constant"};
  }
  const ImportedTensor x = importer.operand(op, 0);
  constexpr ElementType s8 = {Encoding::Signed, 8};
  const std::optional<Affine> result = importer.outputAffine(op);
  const size_t rank = x.shape.size();
  if (x.type != s8 || importer.outputType(op) != s8 || rank > 8) {
    return Refusal{"input", "activations of " + x.type.str() +
                                " are not supported: INT8 and UINT8 are"};
  }
  if (!result || x.affine.scale <= 0) {
    return Refusal{"quantization", "its input and its output need a scale"};
  }
  const Function function = of({x.affine, *result, op});
  const Bounds bounds =
      activationBounds(activation, *result, {s8.minValue(), s8.maxValue()});
  std::vector<int64_t> values;
  for (int64_t value = s8.minValue(); value <= s8.maxValue(); ++value) {
    values.push_back(std::clamp(function(value - x.affine.zeroPoint),
                                bounds.lowest, bounds.highest));
  }
  const std::string table = importer.program().addIntegers(
      importer.constantName(op, "table"), values, {256}, s8);
  const std::string target = importer.defineElements(op, 0, s8, x.shape);
  importer.program().assign(
      target,
      builder::Expression::element(
          table, {(builder::Expression::element(x.name, indexNames(rank)) +
                   builder::Expression(-s8.minValue()))
                      .text()}));
  importer.addLayer(op, {.declaredInputBits = 8, .usedInputBits = 8});
  return imported;
}

/// To the scale of the result.
static Function rescaled(const UnaryNode &node) {
  const Multiplier by =
      quantizeMultiplier(double(node.x.scale) / double(node.result.scale));
  return [by, zero = node.result.zeroPoint](int64_t value) {
    return rescale(value, by) + zero;
  };
}

/// A function of reals, computed in float as TFLite fills its tables.
static auto realFunction(float (*function)(float)) {
  return [function](const UnaryNode &node) -> Function {
    return [function, node](int64_t value) {
      const float real = function(node.x.scale * static_cast<float>(value));
      const float steps = std::round(real * (1.0F / node.result.scale));
      constexpr float most = 1e6F;
      return node.result.zeroPoint +
             (std::isnan(steps)
                  ? 0
                  : static_cast<int64_t>(std::clamp(steps, -most, most)));
    };
  };
}

/// Activations of 16 bits, which have no table of all results.
static bool isShortNode(const Importer &importer, const TfliteOperator &op) {
  return importer.hasOperand(op, 0) &&
         importer.operand(op, 0).type == ElementType{Encoding::Signed, 16};
}

Outcome importLogistic(Importer &importer, const TfliteOperator &op) {
  if (isFloatNode(importer, op)) {
    return importFloatUnary(importer, op);
  }
  if (isShortNode(importer, op)) {
    return interpolateLogistic(importer, op);
  }
  return importTable(importer, op, realFunction([](float x) {
                       return 1.0F / (1.0F + std::exp(-x));
                     }));
}
Outcome importTanh(Importer &importer, const TfliteOperator &op) {
  if (isFloatNode(importer, op)) {
    return importFloatUnary(importer, op);
  }
  if (isShortNode(importer, op)) {
    return interpolateTanh(importer, op);
  }
  return importTable(importer, op,
                     realFunction([](float x) { return std::tanh(x); }));
}

Outcome importRelu(Importer &importer, const TfliteOperator &op) {
  if (isFloatNode(importer, op)) {
    return importFloatUnary(importer, op);
  }
  const Activation activation = op.is(Builtin::Relu)    ? Activation::Relu
                                : op.is(Builtin::Relu6) ? Activation::Relu6
                                                        : Activation::ReluN1To1;
  return importTable(importer, op, rescaled, activation);
}

/// To another scale, of integers to integers.
Outcome importQuantize(Importer &importer, const TfliteOperator &op) {
  if (isFloatNode(importer, op)) {
    return importQuantizeFloat(importer, op);
  }
  return importTable(importer, op, rescaled);
}

Outcome importLeakyRelu(Importer &importer, const TfliteOperator &op) {
  if (isFloatNode(importer, op)) {
    return importFloatUnary(importer, op);
  }
  const float alpha = op.options ? op.options->number<float>(0) : 0;
  if (!(alpha >= 0) || !std::isfinite(alpha)) {
    return Refusal{"alpha", "it is no positive number"};
  }
  return importTable(importer, op, [alpha](const UnaryNode &node) -> Function {
    const double scale = double(node.x.scale) / double(node.result.scale);
    const Multiplier above = quantizeMultiplier(scale);
    const Multiplier below = quantizeMultiplier(double(node.x.scale * alpha) /
                                                double(node.result.scale));
    return [above, below, zero = node.result.zeroPoint](int64_t value) {
      return rescale(value, value >= 0 ? above : below) + zero;
    };
  });
}

namespace {
/// Numbers of 16 bits, as the reference kernel of HARD_SWISH computes with.
struct Short {
  static int64_t saturate(int64_t value) {
    return std::clamp<int64_t>(value, INT16_MIN, INT16_MAX);
  }
  /// a * b / 2^15 to nearest.
  static int64_t roundedProduct(int64_t a, int64_t b) {
    return saturate((a * b + (1 << 14)) >> 15);
  }
  /// The same toward zero.
  static int64_t product(int64_t a, int64_t b) {
    return saturate(a * b / (1 << 15));
  }
  /// value / 2^exponent to nearest, ties away from zero.
  static int64_t divided(int64_t value, int exponent) {
    const int64_t mask = (int64_t{1} << exponent) - 1;
    const int64_t half = (mask >> 1) + (value < 0 ? 1 : 0);
    return (value >> exponent) + ((value & mask) > half ? 1 : 0);
  }
};
/// A factor of 15 bits and an exponent: factor * 2^(exponent - 15).
struct ShortMultiplier {
  int64_t factor = 0;
  int exponent = 0;
};
} // namespace

static ShortMultiplier shortMultiplier(double real) {
  const Multiplier full = quantizeMultiplier(real);
  return {std::min<int64_t>((full.factor + (1 << 15)) >> 16, INT16_MAX),
          static_cast<int>(30 - full.shift)};
}

static Function hardSwish(const UnaryNode &node) {
  // Values have 7 more bits; 3 is 2^15 of the factor between 0 and 1.
  const float scale = node.x.scale / 128.0F;
  const ShortMultiplier output =
      shortMultiplier(double(scale / node.result.scale));
  const ShortMultiplier slope =
      shortMultiplier(double(scale / (3.0F / 32768.0F)));
  return [output, slope, zero = node.result.zeroPoint](int64_t value) {
    const int64_t fine = Short::saturate(value * (1 << 7));
    const int64_t scaled = Short::roundedProduct(fine, output.factor);
    int64_t part = fine;
    if (slope.exponent > 0) {
      part = Short::saturate(part * (int64_t{1} << (slope.exponent - 1)));
    }
    part = Short::roundedProduct(part, slope.factor);
    if (slope.exponent > 0) {
      part = Short::saturate(part * 2);
    } else if (slope.exponent < 0) {
      part = Short::divided(part, -slope.exponent);
    }
    part = (part + (1 << 15)) >> 1;
    const int64_t product = Short::product(part, scaled);
    return (output.exponent <= 0
                ? Short::divided(product, -output.exponent)
                : Short::saturate(product * (int64_t{1} << output.exponent))) +
           zero;
  };
}

Outcome importHardSwish(Importer &importer, const TfliteOperator &op) {
  if (isFloatNode(importer, op)) {
    return importFloatUnary(importer, op);
  }
  return importTable(importer, op, hardSwish);
}

} // namespace lpgen::importer::tflite
