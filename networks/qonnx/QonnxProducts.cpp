// Products between quantizers.
#include "networks/qonnx/QonnxBuilder.h"
#include <cmath>

namespace lpgen::networks {

using Ints = std::vector<int64_t>;

static bool isPowerOfTwo(float value) {
  int exponent = 0;
  return value > 0 && std::frexp(value, &exponent) == 0.5F;
}

/// How QONNX names the integers that a grid's codes are among.
namespace {
struct IntegerRange {
  bool isSigned = false;
  bool isNarrow = false; ///< Without the lowest one, as in -7 ... 7.
  int64_t bits = 1;
  bool isWhole = true; ///< All of them are codes.
};
} // namespace

static IntegerRange rangeOf(const QuantParams &grid) {
  IntegerRange range;
  range.isSigned = grid.lowest < 0;
  range.bits = range.isSigned ? 2 : 1;
  const auto highest = [&] {
    return (int64_t{1} << (range.bits - (range.isSigned ? 1 : 0))) - 1;
  };
  while (grid.highest > highest() || -int64_t{grid.lowest} > highest() + 1) {
    ++range.bits;
  }
  range.isNarrow = range.isSigned && -int64_t{grid.lowest} <= highest();
  range.isWhole =
      grid.highest == highest() &&
      grid.lowest ==
          (range.isSigned ? -highest() - (range.isNarrow ? 0 : 1) : 0);
  return range;
}

std::string QonnxBuilder::rounded(const std::string &x, float scale,
                                  const QuantParams &grid,
                                  const std::string &layer,
                                  const std::string &part) {
  const IntegerRange range = rangeOf(grid);
  const std::string name = layer + "." + part;
  std::string y =
      apply("Quant",
            {x, scalar(name + ".scale", scale), scalar(name + ".zero", 0),
             scalar(name + ".bits", float(range.bits))},
            layer, part,
            {{"signed", int64_t{range.isSigned}},
             {"narrow", int64_t{range.isNarrow}},
             {"rounding_mode", std::string("ROUND")}});
  return range.isWhole
             ? y
             : apply("Clip",
                     {y, scalar(name + ".lowest", float(grid.lowest) * scale),
                      scalar(name + ".highest", float(grid.highest) * scale)},
                     layer, part + ".clipped");
}

Result<std::string> QonnxBuilder::quantized(const std::string &x,
                                            const QuantParams &grid,
                                            const std::string &layer,
                                            const std::string &part) {
  using Form = QuantParams::Form;
  if (grid.followsBatch) {
    return Status::error("layer '" + layer +
                         "' has scales that follow the batch, those of QONNX "
                         "are fixed");
  }
  const std::string name = layer + "." + part;
  if (grid.form == Form::Sign) {
    return apply("BipolarQuant", {x, scalar(name + ".scale", grid.scale)},
                 layer, part);
  }
  if (grid.isOdd) {
    return Status::error("layer '" + layer +
                         "' rounds to odd numbers, which QONNX has not");
  }
  if (grid.form == Form::Divided || isPowerOfTwo(grid.scale)) {
    if (grid.form != Form::Clipped) {
      return rounded(x, grid.scale, grid, layer, part);
    }
  }
  // The codes come from a product, not from the quotient that Quant has.
  std::string t = x;
  float factor = 1.0F / grid.scale;
  if (grid.form == Form::Clipped) {
    t = apply("Clip",
              {t, scalar(name + ".bottom", 0), scalar(name + ".top", grid.top)},
              layer, part + ".inside");
    factor = float(grid.highest) / grid.top;
  }
  t = apply("Mul", {t, scalar(name + ".inverse", factor)}, layer,
            part + ".steps");
  t = rounded(t, 1, grid, layer, part + ".codes");
  return apply("Mul", {t, scalar(name + ".scale", grid.scale)}, layer, part);
}

/// [O, C, K, K], or [C, O] of a linear layer, from [O, K, K, C].
static std::vector<float> rearranged(const ConvGeometry &g,
                                     const std::vector<float> &weights) {
  std::vector<float> result(weights.size());
  const int64_t taps = g.kernel * g.kernel;
  size_t i = 0;
  for (int64_t o = 0; o < g.outputs; ++o) {
    for (int64_t tap = 0; tap < taps; ++tap) {
      for (int64_t c = 0; c < g.channels; ++c) {
        result[size_t(g.isLinear() ? c * g.outputs + o
                                   : (o * g.channels + c) * taps + tap)] =
            weights[i++];
      }
    }
  }
  return result;
}

static Ints shapeOf(const ConvGeometry &g) {
  return g.isLinear() ? Ints{g.channels, g.outputs}
                      : Ints{g.outputs, g.channels, g.kernel, g.kernel};
}

std::string QonnxBuilder::weightsOf(const ConvGeometry &g,
                                    const ForwardTerm &term,
                                    const std::string &layer,
                                    const std::string &part) {
  const std::string name = layer + "." + part;
  std::vector<float> scales = term.weightScales;
  if (scales.empty()) {
    scales = {term.weight.scale};
  }
  std::vector<float> numbers(term.weights.size());
  const size_t row = numbers.size() / size_t(g.outputs);
  for (size_t i = 0; i < numbers.size(); ++i) {
    numbers[i] =
        float(term.weights[i]) * scales[scales.size() == 1 ? 0 : i / row];
  }
  const std::string values = name + ".values";
  model.floats(values, shapeOf(g), rearranged(g, numbers));
  const std::string scale = name + ".scale";
  const auto count = int64_t(scales.size());
  model.floats(scale,
               count == 1     ? Ints{}
               : g.isLinear() ? Ints{1, count}
                              : Ints{count, 1, 1, 1},
               scales);
  if (term.weight.isOdd && term.weight.highest == 1) {
    return apply("BipolarQuant", {values, scale}, layer, part);
  }
  const IntegerRange range = rangeOf(term.weight);
  return apply("Quant",
               {values, scale, scalar(name + ".zero", 0),
                scalar(name + ".bits", float(range.bits))},
               layer, part,
               {{"signed", int64_t{range.isSigned}},
                {"narrow", int64_t{range.isNarrow}},
                {"rounding_mode", std::string("ROUND")}});
}

std::string QonnxBuilder::product(const ConvGeometry &g, const std::string &x,
                                  const std::string &weights,
                                  const std::string &layer,
                                  const std::string &part) {
  if (g.isLinear()) {
    return apply("MatMul", {x, weights}, layer, part);
  }
  return apply("Conv", {x, weights}, layer, part,
               {{"kernel_shape", Ints{g.kernel, g.kernel}},
                {"strides", Ints{g.stride, g.stride}},
                {"pads", Ints{g.padding, g.padding, g.padding, g.padding}}});
}

Result<std::string> QonnxBuilder::addTerm(const std::string &layer,
                                          const ConvGeometry &geometry,
                                          const ForwardTerm &term,
                                          const std::string &part) {
  std::string x = pending;
  ConvGeometry g = geometry;
  if (term.channels < geometry.channels) {
    g.channels = term.channels;
    const std::string name = layer + ".channels" + part;
    x = apply("Slice",
              {x, whole(name + ".starts", {term.firstChannel}),
               whole(name + ".ends", {term.firstChannel + term.channels}),
               whole(name + ".axes", {1})},
              layer, "channels" + part);
  }
  const Result<std::string> codes =
      quantized(x, term.input, layer, "input" + part);
  LPGEN_RETURN_IF_ERROR(codes.status());
  const std::string weights = weightsOf(g, term, layer, "weights" + part);
  return product(g, *codes, weights, layer, part.empty() ? "" : "sum" + part);
}

Status QonnxBuilder::addProduct(const std::string &layer,
                                const ConvGeometry &geometry,
                                const ForwardOperands &operands) {
  if (geometry.groups != 1) {
    return Status::error("layer '" + layer + "' has groups");
  }
  if (geometry.isLinear()) {
    flatten();
  }
  std::string sum;
  for (size_t i = 0; i < operands.terms.size(); ++i) {
    const std::string part =
        operands.terms.size() == 1 ? "" : std::to_string(i + 1);
    const Result<std::string> term =
        addTerm(layer, geometry, operands.terms[i], part);
    LPGEN_RETURN_IF_ERROR(term.status());
    sum = i == 0 ? *term : apply("Add", {*term, sum}, layer, "terms" + part);
  }
  if (operands.terms.empty()) {
    const std::string weights = layer + ".weights";
    model.floats(weights, shapeOf(geometry),
                 rearranged(geometry, operands.floatWeights));
    sum = product(geometry, pending, weights, layer, "");
  }
  pending = sum;
  shape = {geometry.outHeight(), geometry.outWidth(), geometry.outputs,
           geometry.isLinear()};
  if (!operands.filterScales.empty()) {
    applyToPending(
        "Mul",
        {ofChannels(layer + ".alpha", operands.filterScales, shape.isFlat)},
        layer, "filters");
  }
  if (operands.result) {
    Result<std::string> rounded =
        quantized(pending, *operands.result, layer, "result");
    LPGEN_RETURN_IF_ERROR(rounded.status());
    pending = *rounded;
  }
  return Status::success();
}

} // namespace lpgen::networks
