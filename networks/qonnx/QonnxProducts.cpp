// Products between quantizers.
#include "networks/Epilogue.h"
#include "networks/qonnx/QonnxBuilder.h"

namespace lpgen::networks {

using Ints = std::vector<int64_t>;

namespace {
/// How QONNX names the integers that a grid's codes are among.
struct IntegerRange {
  bool isSigned;
  bool isNarrow; ///< Without the lowest one, as in -7 ... 7.
  int64_t bits;
  bool isWhole; ///< All of them are codes.
};
} // namespace

static IntegerRange rangeOf(const QuantParams &grid) {
  const ElementType type = typeOf(grid);
  IntegerRange range{};
  range.isSigned = type.encoding != Encoding::Unsigned;
  // Odd numbers are among integers of one bit more.
  range.bits = type.bits + (type.encoding == Encoding::Bipolar ? 1 : 0);
  const int64_t highest =
      (int64_t{1} << (range.bits - (range.isSigned ? 1 : 0))) - 1;
  range.isNarrow = range.isSigned && grid.lowest >= -highest;
  const int64_t lowest =
      range.isSigned ? -highest - (range.isNarrow ? 0 : 1) : 0;
  range.isWhole = grid.lowest == lowest && grid.highest == highest;
  return range;
}

std::string QonnxBuilder::quant(const std::string &x, const std::string &scale,
                                const QuantParams &grid,
                                const std::string &layer,
                                const std::string &part) {
  const IntegerRange range = rangeOf(grid);
  const std::string name = layer + "." + part;
  return apply("Quant",
               {x, scale, scalar(name + ".zero", 0),
                scalar(name + ".bits", float(range.bits))},
               layer, part,
               {{"signed", int64_t{range.isSigned}},
                {"narrow", int64_t{range.isNarrow}},
                {"rounding_mode", std::string("ROUND")}});
}

Result<std::string> QonnxBuilder::quantized(const std::string &x,
                                            const QuantParams &grid,
                                            const std::string &layer,
                                            const std::string &part) {
  using Form = QuantParams::Form;
  const std::string name = layer + "." + part;
  if (grid.followsBatch) {
    return Status::error("layer '" + layer +
                         "' has scales that follow the batch, those of QONNX "
                         "are fixed");
  }
  if (grid.form == Form::Sign) {
    return apply("BipolarQuant", {x, scalar(name + ".scale", grid.scale)},
                 layer, part);
  }
  if (grid.isOdd) {
    return Status::error("layer '" + layer +
                         "' rounds to odd numbers, which QONNX has not");
  }
  const bool isWhole = rangeOf(grid).isWhole;
  if (isWhole &&
      (grid.form == Form::Divided ||
       (grid.form == Form::Multiplied && isPowerOfTwo(grid.scale)))) {
    return quant(x, scalar(name + ".scale", grid.scale), grid, layer, part);
  }
  // Codes of their own, where Quant has no such quotient or no such bounds.
  std::string t = x;
  if (grid.form == Form::Clipped) {
    t = apply("Clip",
              {t, scalar(name + ".bottom", 0), scalar(name + ".top", grid.top)},
              layer, part + ".inside");
  }
  const float factor = grid.form == Form::Divided ? grid.scale
                       : grid.form == Form::Multiplied
                           ? 1.0F / grid.scale
                           : float(grid.highest) / grid.top;
  t = apply(grid.form == Form::Divided ? "Div" : "Mul",
            {t, scalar(name + ".factor", factor)}, layer, part + ".steps");
  t = quant(t, scalar(name + ".unit", 1), grid, layer, part + ".codes");
  if (!isWhole) {
    t = apply("Clip",
              {t, scalar(name + ".lowest", float(grid.lowest)),
               scalar(name + ".highest", float(grid.highest))},
              layer, part + ".clipped");
  }
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
  return quant(values, scale, term.weight, layer, part);
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

static int64_t outputsOf(const ConvGeometry &geometry,
                         const ForwardTerm &term) {
  return term.outputs > 0 ? term.outputs : geometry.outputs;
}

Result<std::string> QonnxBuilder::addTerm(const std::string &layer,
                                          const ConvGeometry &geometry,
                                          const ForwardTerm &term,
                                          const std::string &part) {
  std::string x = pending;
  ConvGeometry g = geometry;
  g.outputs = outputsOf(geometry, term);
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
    if (i == 0) {
      sum = *term;
      continue;
    }
    const int64_t lacking = outputsOf(geometry, operands.terms[i]) -
                            outputsOf(geometry, operands.terms[i - 1]);
    if (lacking > 0) {
      sum = apply("Pad",
                  {sum, whole(layer + ".pads" + part,
                              geometry.isLinear()
                                  ? Ints{0, 0, 0, lacking}
                                  : Ints{0, 0, 0, 0, 0, lacking, 0, 0})},
                  layer, "padded" + part);
    }
    sum = apply("Add", {*term, sum}, layer, "terms" + part);
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
