// A value on a grid of integers.
#include "networks/import/Spread.h"
#include "networks/import/onnx/Quantizers.h"
#include <algorithm>
#include <cmath>

namespace lpgen::importer::onnx {

using builder::Expression;
using Elements = std::span<const Expression>;

/// x / scale. Dividing by a power of two is multiplying by another one, to the
/// bit; a scale of 1 is left out.
static Expression divided(const Expression &x, const Constant &scale,
                          const Expression &element) {
  if (!scale.isUniform()) {
    return x / element;
  }
  const double value = scale.values.front();
  int exponent = 0;
  if (value == 1) {
    return x;
  }
  if (std::frexp(value, &exponent) == 0.5 && std::abs(exponent) < 100) {
    return x * Expression::real(float(1 / value));
  }
  return x / element;
}

/// floor(|t| + 1/2) and the like are wrong where the sum rounds, so the half is
/// compared with what floor leaves, which is exact.
static Expression halfRounded(const Expression &t, bool isUp) {
  const Expression size = Expression::call("abs", {t});
  const Expression whole = Expression::call("floor", {size});
  const Expression half = Expression::real(0.5F);
  return (whole + (isUp ? size - whole >= half : size - whole > half)) *
         (2 * (t >= Expression::real(0)) - 1);
}

static Expression rounded(const Expression &t, Rounding rounding) {
  switch (rounding) {
  case Rounding::HalfEven:
    return Expression::call("round", {t});
  case Rounding::Up:
    return Expression::call("ceil", {t});
  case Rounding::Down:
    return Expression::call("floor", {t});
  case Rounding::ToZero:
    return Expression::call("trunc", {t});
  case Rounding::FromZero:
    return Expression::call(
               "ceil", {Expression::call("max", {t, Expression::real(0)})}) +
           Expression::call(
               "floor", {Expression::call("min", {t, Expression::real(0)})});
  case Rounding::HalfFromZero:
    return halfRounded(t, true);
  case Rounding::HalfToZero:
    return halfRounded(t, false);
  }
  return t;
}

std::optional<Rounding> findRounding(std::string name) {
  std::ranges::transform(name, name.begin(),
                         [](unsigned char c) { return char(std::toupper(c)); });
  static const std::map<std::string, Rounding> modes = {
      {"ROUND", Rounding::HalfEven},
      {"HALF_EVEN", Rounding::HalfEven},
      {"CEIL", Rounding::Up},
      {"FLOOR", Rounding::Down},
      {"UP", Rounding::FromZero},
      {"DOWN", Rounding::ToZero},
      {"ROUND_TO_ZERO", Rounding::ToZero},
      {"HALF_UP", Rounding::HalfFromZero},
      {"HALF_DOWN", Rounding::HalfToZero}};
  const auto found = modes.find(name);
  return found == modes.end() ? std::nullopt : std::optional(found->second);
}

double roundNumber(double t, Rounding rounding) {
  const double size = std::abs(t);
  const double whole = std::floor(size);
  switch (rounding) {
  case Rounding::HalfEven:
    return std::nearbyint(t);
  case Rounding::Up:
    return std::ceil(t);
  case Rounding::Down:
    return std::floor(t);
  case Rounding::ToZero:
    return std::trunc(t);
  case Rounding::FromZero:
    return std::copysign(std::ceil(size), t);
  case Rounding::HalfFromZero:
    return std::copysign(whole + (size - whole >= 0.5 ? 1 : 0), t);
  case Rounding::HalfToZero:
    return std::copysign(whole + (size - whole > 0.5 ? 1 : 0), t);
  }
  return t;
}

/// The codes of known numbers.
static Value quantizeConstant(const Constant &numbers, const Grid &grid) {
  Constant codes = numbers;
  codes.isInteger = true;
  codes.bits = grid.bits;
  size_t i = 0;
  forEachElement(codes.shape, [&](const Extents &indices) {
    const auto t =
        float(float(codes.values[i]) / float(grid.scale.broadcastAt(indices)));
    const double zero = grid.zero.broadcastAt(indices);
    codes.values[i++] =
        grid.isRoundedFirst
            ? std::clamp(roundNumber(t, grid.rounding) + zero,
                         double(grid.lowest), double(grid.highest))
            : roundNumber(std::clamp(t + float(zero), float(grid.lowest),
                                     float(grid.highest)),
                          grid.rounding);
  });
  for (double &code : codes.values) {
    code = std::isnan(code) ? 0 : code;
  }
  return constantValue(std::move(codes));
}

/// The code of an element whose quotient is `t`.
static Expression codeOf(const Expression &t, const Grid &grid,
                         const Expression &zero, bool hasZero, bool isInteger,
                         bool isClamped) {
  const Expression lowest = grid.lowest;
  const Expression highest = grid.highest;
  if (isInteger) {
    const Expression code = hasZero ? t + zero : t;
    return isClamped ? Expression::call("clamp", {code, lowest, highest})
                     : code;
  }
  if (grid.isRoundedFirst || grid.rounding == Rounding::HalfEven) {
    // Clamping to integers and rounding to nearest change places.
    const Expression code =
        grid.isRoundedFirst ? (hasZero ? rounded(t, grid.rounding) + zero
                                       : rounded(t, grid.rounding))
                            : rounded(hasZero ? t + zero : t, grid.rounding);
    return isClamped ? Expression::call("clamp", {code, lowest, highest})
                     : code;
  }
  return rounded(
      Expression::call("clamp", {hasZero ? t + zero : t,
                                 Expression::real(float(grid.lowest)),
                                 Expression::real(float(grid.highest))}),
      grid.rounding);
}

/// The numbers are on this grid already. (code * scale) / scale is less than
/// half a step from the code, so rounding to nearest gives it back.
static bool isOnGrid(const Value &value, const Grid &grid) {
  constexpr double least = 1e-30;
  return value.isInteger && value.quantization && !value.constant &&
         grid.scale.isUniform() && grid.zero.isUniform() &&
         value.quantization->scale.isUniform() &&
         value.quantization->zero.isUniform() &&
         value.quantization->scale.values[0] == grid.scale.values[0] &&
         value.quantization->zero.values[0] == grid.zero.values[0] &&
         grid.scale.values[0] > least && grid.scale.values[0] < 1 / least &&
         value.lowest >= grid.lowest && value.highest <= grid.highest &&
         grid.bits <= 16 &&
         (grid.rounding == Rounding::HalfEven ||
          grid.rounding == Rounding::HalfFromZero ||
          grid.rounding == Rounding::HalfToZero);
}

/// round(sum * gain + offset) in place of a longer chain in front of a
/// quantizer, where all sums have the same codes. Nothing if there is no such
/// pair.
static std::optional<Value> shortened(Lowering &lowering, const Value &value,
                                      const Grid &grid,
                                      const std::string &name) {
  if (!value.read.chain || grid.rounding != Rounding::HalfEven ||
      value.isInteger) {
    return std::nullopt;
  }
  Chain chain = value.read.chain->chain;
  if (!grid.scale.isUniform() || grid.scale.values.front() != 1) {
    chain.steps.push_back({ChainOperation::Divide, grid.scale});
  }
  CodeRange codes{grid.zero, grid.lowest, grid.highest};
  const bool hasZero = !grid.zero.isUniform() || grid.zero.values.front() != 0;
  if (!grid.isRoundedFirst && hasZero) {
    chain.steps.push_back({ChainOperation::Add, grid.zero});
  }
  if (!grid.isRoundedFirst) {
    codes.zero = Constant::scalar(0);
  }
  std::optional<GainAndOffset> pair = gainAndOffset(chain, codes, value.rank());
  if (!pair) {
    return std::nullopt;
  }
  pair->gain.name = name + ".gain";
  pair->offset.name = name + ".offset";
  Value sum = value;
  sum.read = value.read.chain->sum;
  sum.isInteger = true;
  sum.lowest = chain.lowest;
  sum.highest = chain.highest;
  std::optional<Value> result =
      lowering.emitter.applied(sum, ChainOperation::Multiply, pair->gain);
  const bool hasOffset =
      !pair->offset.isUniform() || pair->offset.values[0] != 0;
  if (result && hasOffset) {
    result =
        lowering.emitter.applied(*result, ChainOperation::Add, pair->offset);
  }
  return result;
}

/// Codes where they are computed, then in the order of the image.
static std::optional<Value>
quantizeSpread(Lowering &lowering, const Value &inner, const Spread &spread,
               const Grid &grid, const std::string &name) {
  const std::optional<Constant> scale = withinSpread(grid.scale, spread);
  const std::optional<Constant> zero = withinSpread(grid.zero, spread);
  Grid within = grid;
  if (!scale || !zero) {
    return std::nullopt;
  }
  within.scale = *scale;
  within.zero = *zero;
  const std::optional<Value> codes =
      quantize(lowering, inner, within, name, true);
  if (!codes) {
    return std::nullopt;
  }
  const Value image = spreadOutFlat(*codes, spread.factors);
  return lowering.emitter.store(image, name, image.order);
}

std::optional<Value> quantize(Lowering &lowering, const Value &input,
                              const Grid &grid, const std::string &name,
                              bool isStored) {
  if (!broadcastsTo(grid.scale.shape, input.shape()) ||
      !broadcastsTo(grid.zero.shape, input.shape())) {
    return std::nullopt;
  }
  if (isOnGrid(input, grid)) {
    Value codes = input;
    codes.quantization.reset();
    codes.beforeRelu = nullptr;
    return codes;
  }
  if (const std::optional<Value> inner = innerOf(input); inner && isStored) {
    return quantizeSpread(lowering, *inner, *input.read.spread, grid, name);
  }
  Value value = lowering.emitter.real(input);
  if (!value.constant &&
      (grid.rounding == Rounding::HalfFromZero ||
       grid.rounding == Rounding::HalfToZero ||
       grid.rounding == Rounding::FromZero) &&
      value.tensor.empty() && value.operations > 1) {
    value = lowering.emitter.store(value, name + "_input", value.order);
  }
  if (value.constant) {
    return quantizeConstant(*value.constant, grid);
  }
  // What is below 0 is below the least code: the store saturates.
  if (value.beforeRelu && grid.zero.isUniform() &&
      grid.zero.values.front() == double(grid.lowest) && !value.isInteger &&
      std::ranges::all_of(grid.scale.values, [](double s) { return s > 0; })) {
    value.read = value.beforeRelu;
  }
  Grid left = grid; // what is still to be done
  if (std::optional<Value> line = shortened(lowering, value, grid, name)) {
    value = std::move(*line);
    left.scale = Constant::scalar(1);
    left.zero = grid.isRoundedFirst ? grid.zero : Constant::scalar(0);
  }
  const bool hasZero = !left.zero.isUniform() || left.zero.values.front() != 0;
  const bool isInteger = value.isInteger && left.scale.isUniform() &&
                         left.scale.values.front() == 1;
  Value result;
  result.isInteger = true;
  result.lowest = grid.lowest;
  result.highest = grid.highest;
  const ElementType type = storageType(result);
  const bool isClamped = !isStored || type.minValue() != grid.lowest ||
                         type.maxValue() != grid.highest;
  Constant zeros = left.zero;
  zeros.isInteger = left.isRoundedFirst || isInteger;
  const std::vector<Value> operands = {value, constantValue(left.scale),
                                       constantValue(zeros)};
  std::optional<Value> elements =
      lowering.emitter.elementwise(operands, [=](Elements e) {
        return codeOf(isInteger ? e[0] : divided(e[0], left.scale, e[1]), left,
                      e[2], hasZero, isInteger, isClamped);
      });
  if (!elements || elements->rank() != input.rank()) {
    return std::nullopt;
  }
  result.dims = elements->dims;
  result.order = elements->order;
  result.read = elements->read;
  result.operations = elements->operations;
  return isStored ? lowering.emitter.store(result, name, result.order) : result;
}

void setRange(Grid &grid, bool isSigned, bool isNarrow) {
  const int64_t size = int64_t{1} << (grid.bits - (isSigned ? 1 : 0));
  grid.lowest = isSigned ? -size + (isNarrow ? 1 : 0) : 0;
  grid.highest = size - 1 - (!isSigned && isNarrow ? 1 : 0);
}

Value inReadingOrder(const Lowering &lowering, const Node &quantizer) {
  Value value = lowering.input(quantizer, 0);
  const Node *reader = lowering.onlyReader(quantizer.outputs[0]);
  while (reader && reader->operation == "DequantizeLinear" &&
         !reader->outputs.empty()) {
    reader = lowering.onlyReader(reader->outputs[0]);
  }
  if (reader && reader->operation == "Conv" && value.rank() > 2 &&
      value.tensor.empty() && !value.constant) {
    value.order = channelsLast(value.rank());
  }
  return value;
}

Outcome refuseScale(const Constant &scale, const std::string &attribute,
                    bool mayBeZero) {
  for (size_t i = 0; i < scale.values.size(); ++i) {
    const auto number = float(scale.values[i]);
    if (!std::isfinite(number) || (number == 0 && !mayBeZero)) {
      return Refusal{attribute,
                     "its number " + std::to_string(i) +
                         (mayBeZero ? " is not finite" : " is 0 or not finite"),
                     ""};
    }
  }
  return std::nullopt;
}

/// A scale or zero point with as many dimensions as what it belongs to.
static Constant withRank(const Constant &constant, size_t rank) {
  Extents shape = constant.shape;
  if (constant.count() == 1) {
    shape.assign(rank, 1);
  }
  shape.insert(shape.begin(), rank - std::min(rank, shape.size()), 1);
  return constant.reshaped(shape);
}

Quantization quantizationOf(const Grid &grid, size_t rank) {
  Constant zero = withRank(grid.zero, rank);
  zero.isInteger = true;
  return {withRank(grid.scale, rank), std::move(zero)};
}

} // namespace lpgen::importer::onnx
