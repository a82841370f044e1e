// LOGISTIC and TANH of INT16, as TFLite's reference kernels compute them: from
// a table of the logistic function at multiples of 1/24, linear between them.
#include "networks/import/tflite/Interpolation.h"
#include <algorithm>
#include <cmath>

namespace lpgen::importer::tflite {

/// The table has 16 bits after the point. An entry is moved by half of what a
/// line to the next one misses in the middle; the last one is the greatest of
/// the type.
static std::vector<int64_t> logisticTable() {
  constexpr int entries = 256;
  constexpr double one = 65536;
  const auto logistic = [](double entry) {
    return one / (1 + std::exp(-entry / 24));
  };
  std::vector<int64_t> table;
  for (int i = 0; i + 1 < entries; ++i) {
    const double missed =
        logistic(i + 0.5) - (logistic(i) + logistic(i + 1)) / 2;
    table.push_back(std::llround(logistic(i) + missed / 2));
  }
  table.push_back(UINT16_MAX);
  return table;
}

bool isPowerOfTwo(float scale, int exponent) {
  const float logarithm = std::log2(scale);
  return std::round(logarithm) == static_cast<float>(exponent) &&
         std::abs(logarithm - std::round(logarithm)) < 1e-3F;
}

namespace {
/// x becomes (x * factor + half) >> shift, in steps of 1/12288.
struct Steps {
  int64_t factor = 0;
  int64_t shift = 0;
  int64_t half() const { return shift > 0 ? int64_t{1} << (shift - 1) : 0; }
};
/// How a function is put together from the table.
struct Parts {
  unsigned fraction; ///< Bits of x between two entries.
  int64_t offset;    ///< Taken from an interpolated value of x >= 0.
  int64_t mirror;    ///< From which one of x < 0 is taken.
  unsigned drop;     ///< Bits that the result does not have.
};
} // namespace

/// Scales that are nearly 2^-12, and with TANH 2^-11, are taken for these.
static std::optional<Steps> stepsOf(float scale, int mostExponent) {
  constexpr int64_t perStep = 3;
  for (int exponent = -12; exponent <= mostExponent; ++exponent) {
    if (isPowerOfTwo(scale, exponent)) {
      return Steps{perStep << (exponent + 12), 0};
    }
  }
  constexpr double most = INT16_MAX;
  double factor = double(scale) * 4096 * perStep;
  Steps steps;
  while (factor <= most / 2 && steps.shift <= 30) {
    factor *= 2;
    ++steps.shift;
  }
  const bool hasFactor = factor >= 1 && factor <= most;
  if (!hasFactor) {
    return std::nullopt;
  }
  steps.factor = static_cast<int64_t>(factor);
  return steps;
}

static Outcome interpolate(Importer &importer, const TfliteOperator &op,
                           int mostExponent, const Parts &parts) {
  using builder::Expression;
  const ImportedTensor x = importer.operand(op, 0);
  const std::optional<Affine> result = importer.outputAffine(op);
  if (x.shape.size() > 8 || importer.outputType(op) != x.type) {
    return Refusal{"input", "its input and its output have different types, or "
                            "more than 8 dimensions"};
  }
  if (!result || result->zeroPoint != 0 || x.affine.zeroPoint != 0 ||
      !isPowerOfTwo(result->scale, -15)) {
    return Refusal{"quantization", "of INT16 it needs zero points of 0 and a "
                                   "result in steps of 1/32768"};
  }
  const std::optional<Steps> steps = stepsOf(x.affine.scale, mostExponent);
  if (!steps) {
    return Refusal{"quantization", "the scale of its input is too large, or "
                                   "too small"};
  }
  Program &program = importer.program();
  const std::vector<std::string> indices = indexNames(x.shape.size());
  const auto assign = [&](const char *what, const Expression &value) {
    const Expression element = Expression::element(
        program.names.make(importer.constantName(op, what)), indices);
    program.assign(element.text(), value);
    return element;
  };
  const std::string table =
      program.addIntegers(importer.constantName(op, "table"), logisticTable(),
                          {256}, {Encoding::Unsigned, 16});
  const auto entry = [&](const Expression &place) {
    return Expression::element(table, {place.text()});
  };
  const auto power = [](unsigned exponent) {
    return Expression(int64_t{1} << exponent);
  };
  const Expression fine =
      assign("steps", Expression::element(x.name, indices) * steps->factor +
                              steps->half() >>
                          steps->shift);
  // The last value before the end of the table stands for all beyond it.
  const int64_t last = (int64_t{255} << parts.fraction) - 1;
  const Expression size = assign(
      "size", Expression::call("min", {Expression::call("abs", {fine}), last}));
  const Expression place =
      assign("place", size >> Expression(int64_t{parts.fraction}));
  const Expression value =
      assign("value", entry(place) * power(parts.fraction) +
                          (size - place * power(parts.fraction)) *
                              (entry(place + Expression(1)) - entry(place)));
  const Expression half = power(parts.drop - 1);
  program.assign(
      importer.defineElements(op, 0, x.type, x.shape),
      Expression::call(
          "select",
          {fine >= Expression(0), value - Expression(parts.offset) + half,
           Expression(parts.mirror) - value + (half - Expression(1))}) >>
          Expression(int64_t{parts.drop}));
  importer.addLayer(op, {.declaredInputBits = 16, .usedInputBits = 16});
  return imported;
}

Outcome interpolateLogistic(Importer &importer, const TfliteOperator &op) {
  return interpolate(importer, op, -12, {9, 0, int64_t{1} << 25, 10});
}
/// tanh(x) is 2 * logistic(2 * x) - 1.
Outcome interpolateTanh(Importer &importer, const TfliteOperator &op) {
  constexpr int64_t half = int64_t{1} << 23;
  return interpolate(importer, op, -11, {8, half, half, 8});
}

std::vector<int64_t> tableBetween(float lowest, float highest,
                                  float (*function)(float)) {
  constexpr int intervals = 512;
  constexpr float one = 32768;
  const float step = (highest - lowest) / intervals;
  const auto at = [&](float place) {
    return function(lowest + place * step) * one;
  };
  std::vector<int64_t> table;
  for (int i = 0; i < intervals; ++i) {
    const auto place = static_cast<float>(i);
    const float first = std::round(at(place));
    const float line = std::round((at(place + 1) + first) / 2);
    const float middle =
        std::round(function(lowest + place * step + step / 2) * one);
    table.push_back(static_cast<int64_t>(
        std::clamp(first - std::round((line - middle) / 2), -one, one - 1)));
  }
  table.push_back(static_cast<int64_t>(
      std::clamp(std::round(function(highest) * one), -one, one - 1)));
  return table;
}

} // namespace lpgen::importer::tflite
