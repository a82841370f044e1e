// Weights and the sums of their products.
#include "networks/import/onnx/Weights.h"
#include <algorithm>
#include <cmath>

namespace lpgen::importer::onnx {

using builder::Expression;

Weights prepareWeights(Lowering &lowering, const Value &weights, size_t dim,
                       bool isInputInteger) {
  Weights result;
  const std::optional<Quantization> &quantization = weights.quantization;
  const bool isGrid = quantization && (quantization->scale.isUniform() ||
                                       quantization->scale.count() ==
                                           quantization->scale.shape[dim]);
  if (isInputInteger && weights.isInteger && (isGrid || !quantization)) {
    result.numbers = *weights.constant;
    result.isInteger = true;
    if (quantization) {
      size_t i = 0;
      forEachElement(result.numbers.shape, [&](const Extents &indices) {
        result.numbers.values[i++] -= quantization->zero.broadcastAt(indices);
      });
      result.scale =
          quantization->scale.isUniform()
              ? Constant::scalar(quantization->scale.values[0])
              : quantization->scale.reshaped({quantization->scale.count()});
    }
    return result;
  }
  result.numbers = *lowering.emitter.real(weights).constant;
  // Integers in a tensor of floats.
  result.isInteger = isInputInteger && result.numbers.isIntegral();
  result.numbers.isInteger = result.isInteger;
  return result;
}

bool isUniformGrid(const Value &x) {
  return x.isInteger &&
         (!x.quantization || (x.quantization->scale.isUniform() &&
                              x.quantization->zero.isUniform()));
}

int64_t zeroOf(const Value &x) {
  return x.quantization ? int64_t(x.quantization->zero.values[0]) : 0;
}

Outcome boundSums(const Constant &weights, int64_t perOutput, const Value &x,
                  Value &sums) {
  const double zero = double(zeroOf(x));
  const double lowest = std::min(double(x.lowest) - zero, 0.0);
  const double highest = std::max(double(x.highest) - zero, 0.0);
  double least = 0;
  double most = 0;
  double greatestTerm = 0;
  for (int64_t o = 0; o < weights.count(); o += perOutput) {
    double down = 0;
    double up = 0;
    for (int64_t i = o; i < o + perOutput; ++i) {
      const double w = weights.values[size_t(i)];
      down += std::min(w * lowest, w * highest);
      up += std::max(w * lowest, w * highest);
      greatestTerm = std::max(
          greatestTerm, std::abs(w) * std::max(std::abs(lowest), highest));
    }
    least = std::min(least, down);
    most = std::max(most, up);
  }
  // As the compiler may bound them, which does not look at all weights.
  if (greatestTerm * double(perOutput) > 0x1p62) {
    return Refusal{"", "its sums do not fit 64 bits", ""};
  }
  sums.lowest = int64_t(least);
  sums.highest = int64_t(most);
  return std::nullopt;
}

std::optional<Quantization> scaleOfSums(const Value &x, const Weights &weights,
                                        size_t dim, size_t rank) {
  if (!x.quantization && !weights.scale) {
    return std::nullopt;
  }
  const float sx =
      x.quantization ? float(x.quantization->scale.values[0]) : 1.0F;
  Constant scale = weights.scale.value_or(Constant::scalar(1));
  for (double &s : scale.values) {
    s = sx * float(s);
  }
  Extents shape(rank, 1);
  shape[dim] = scale.count();
  scale.shape = std::move(shape);
  scale.name.clear();
  Constant zero = Constant::scalar(0, true);
  zero.shape.assign(rank, 1);
  return Quantization{std::move(scale), std::move(zero)};
}

static unsigned bitsFor(const Value &value) {
  return value.isInteger ? storageType(value).bits : 0;
}

std::string shapeText(const Extents &shape) {
  std::string text;
  for (const int64_t extent : shape) {
    text += (text.empty() ? "" : ", ") +
            (extent == batchExtent ? "n" : std::to_string(extent));
  }
  return "[" + text + "]";
}

void addLayer(Lowering &lowering, const Node &node, const Value &x,
              const Weights &weights, const Value &result, int64_t perOutput,
              const Constant &declared) {
  Extents shape = result.shape();
  Layer layer{.name = node.name,
              .operation = node.fullName(),
              .shape = shapeText(shape),
              .macs =
                  toInteger(double(elementCount(shape)) * double(perOutput)),
              .weights = weights.numbers.count(),
              .statement = result.tensor};
  ElementType type = {Encoding::Float, 32};
  if (weights.isInteger) {
    type = narrowestType(weights.numbers.integers());
    layer.declaredWeightBits = declared.isInteger ? declared.bits : 32;
    layer.usedWeightBits = type.bits;
    layer.declaredInputBits = bitsFor(x);
    layer.usedInputBits = layer.declaredInputBits;
    layer.accumulatorBits = narrowestType(result.lowest, result.highest).bits;
    layer.scales = !weights.scale                ? ""
                   : weights.scale->count() == 1 ? "tensor"
                                                 : "channel";
  } else {
    lowering.note(node, "it is computed in binary32: its input or its weights "
                        "are not quantized");
  }
  layer.encoding = type.str() + " x " + storageType(x).str();
  lowering.emitter.program.report.layers.push_back(std::move(layer));
}

Expression centred(const Expression &element, const Value &x) {
  const int64_t zero = zeroOf(x);
  return zero == 0 ? element : element - zero;
}

std::string addWeights(Lowering &lowering, const Constant &numbers,
                       bool isInteger) {
  Program &program = lowering.emitter.program;
  const std::string name = numbers.name.empty() ? "weights" : numbers.name;
  if (isInteger) {
    return program.addIntegers(name, numbers.integers(), numbers.shape,
                               narrowestType(numbers.integers()));
  }
  const std::vector<float> floats = numbers.floats();
  return program.addFloats(name, floats, numbers.shape,
                           numbers.bits == 16
                               ? narrowestType(floats)
                               : ElementType{Encoding::Float, 32});
}

} // namespace lpgen::importer::onnx
