// Quantizers: QONNX's Quant, BipolarQuant and Trunc, FINN's MultiThreshold, and
// QuantizeLinear with DequantizeLinear.
#include "networks/import/onnx/Quantizers.h"
#include <algorithm>
#include <array>
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

std::optional<Value> quantize(Lowering &lowering, const Value &input,
                              const Grid &grid, const std::string &name,
                              bool isStored) {
  if (!broadcastsTo(grid.scale.shape, input.shape()) ||
      !broadcastsTo(grid.zero.shape, input.shape())) {
    return std::nullopt;
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
  const bool hasZero = !grid.zero.isUniform() || grid.zero.values.front() != 0;
  // What is below 0 is below the least code: the store saturates.
  if (value.beforeRelu && grid.zero.isUniform() &&
      grid.zero.values.front() == double(grid.lowest) && !value.isInteger &&
      std::ranges::all_of(grid.scale.values, [](double s) { return s > 0; })) {
    value.read = value.beforeRelu;
  }
  const bool isInteger = value.isInteger && grid.scale.isUniform() &&
                         grid.scale.values.front() == 1;
  Value result;
  result.isInteger = true;
  result.lowest = grid.lowest;
  result.highest = grid.highest;
  const ElementType type = storageType(result);
  const bool isClamped = !isStored || type.minValue() != grid.lowest ||
                         type.maxValue() != grid.highest;
  Constant zeros = grid.zero;
  zeros.isInteger = grid.isRoundedFirst || isInteger;
  const std::vector<Value> operands = {value, constantValue(grid.scale),
                                       constantValue(zeros)};
  std::optional<Value> elements =
      lowering.emitter.elementwise(operands, [=](Elements e) {
        return codeOf(isInteger ? e[0] : divided(e[0], grid.scale, e[1]), grid,
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

/// A scale or zero point with as many dimensions as what it belongs to.
static Constant withRank(const Constant &constant, size_t rank) {
  Extents shape = constant.shape;
  if (constant.count() == 1) {
    shape.assign(rank, 1);
  }
  shape.insert(shape.begin(), rank - std::min(rank, shape.size()), 1);
  return constant.reshaped(shape);
}

static Quantization quantizationOf(const Grid &grid, size_t rank) {
  Constant zero = withRank(grid.zero, rank);
  zero.isInteger = true;
  return {withRank(grid.scale, rank), std::move(zero)};
}

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
  Constant zero = Constant::scalar(0, true);
  result.quantization = Quantization{withRank(scale, result.rank()),
                                     withRank(zero, result.rank())};
  lowering.define(node, std::move(result));
  return std::nullopt;
}

static Outcome lowerBipolarQuant(Lowering &lowering, const Node &node) {
  const std::optional<Constant> scale = lowering.constantInput(node, 1);
  if (!scale) {
    return Refusal{"scale", "it is not known", ""};
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

/// The integers of QONNX's quantizers.
static void setRange(Grid &grid, bool isSigned, bool isNarrow) {
  const int64_t size = int64_t{1} << (grid.bits - (isSigned ? 1 : 0));
  grid.lowest = isSigned ? -size + (isNarrow ? 1 : 0) : 0;
  grid.highest = size - 1 - (!isSigned && isNarrow ? 1 : 0);
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
      quantize(lowering, lowering.input(node, 0), grid, node.name,
               !reader || reader->operation != "Clip");
  if (!result) {
    return notBroadcast();
  }
  result->quantization = quantizationOf(grid, result->rank());
  lowering.define(node, std::move(*result));
  return std::nullopt;
}

/// The integer type of a zero point, of which a missing one is of uint8.
static Grid linearGrid(const Constant &scale,
                       const std::optional<Constant> &zero, bool isSigned) {
  Grid grid{.scale = scale,
            .zero = zero.value_or(Constant::scalar(0, true)),
            .bits = zero ? zero->bits : 8,
            .isRoundedFirst = true};
  setRange(grid, isSigned, false);
  return grid;
}

/// Along its axis, unless it is a scalar; a vector of one is one.
static Constant alongAxis(const Constant &constant, const Node &node,
                          size_t rank) {
  int64_t axis = node.integer("axis", 1);
  axis += axis < 0 ? int64_t(rank) : 0;
  return constant.shape.size() == 1 && axis >= 0 && axis < int64_t(rank)
             ? alongDim(constant, size_t(axis), rank)
         : constant.count() == 1 ? constant.reshaped({})
                                 : constant;
}

static Outcome lowerQuantizeLinear(Lowering &lowering, const Node &node) {
  const Value &input = lowering.input(node, 0);
  std::optional<Constant> scale = lowering.constantInput(node, 1);
  std::optional<Constant> zero = lowering.constantInput(node, 2);
  if (!scale || (node.hasInput(2) && !zero)) {
    return Refusal{scale ? "y_zero_point" : "y_scale", "it is not known", ""};
  }
  if (node.integer("block_size", 0) != 0) {
    return Refusal{"block_size", "activations have no scales of blocks", ""};
  }
  bool isSigned = zero && zero->isSigned;
  if (const DataTypeInfo *type =
          findDataType(int(node.integer("output_dtype", 0)));
      type && !zero) {
    zero = Constant::scalar(0, true);
    zero->bits = type->bits;
    isSigned = type->isSigned;
  }
  if (zero && zero->bits > 16) {
    return Refusal{"y_zero_point", "its type has more than 16 bits", ""};
  }
  Grid grid = linearGrid(
      alongAxis(*scale, node, input.rank()),
      zero ? std::optional(alongAxis(*zero, node, input.rank())) : zero,
      isSigned);
  const Node *reader = lowering.onlyReader(node.outputs[0]);
  std::optional<Value> result = quantize(
      lowering, input, grid, node.name, !reader || reader->operation != "Clip");
  if (!result) {
    return notBroadcast();
  }
  lowering.define(node, std::move(*result));
  return std::nullopt;
}

/// Scales of blocks, repeated for each element of the block.
static Constant spread(const Constant &blocks, const Constant &like,
                       size_t axis, int64_t size) {
  Constant result = blocks;
  result.shape = like.shape;
  result.values.clear();
  forEachElement(like.shape, [&](Extents indices) {
    indices[axis] /= size;
    result.values.push_back(blocks.broadcastAt(indices));
  });
  return result;
}

static Outcome lowerDequantizeLinear(Lowering &lowering, const Node &node) {
  Value value = lowering.input(node, 0);
  std::optional<Constant> scale = lowering.constantInput(node, 1);
  std::optional<Constant> zero = lowering.constantInput(node, 2);
  if (!scale || (node.hasInput(2) && !zero)) {
    return Refusal{scale ? "x_zero_point" : "x_scale", "it is not known", ""};
  }
  if (!value.isInteger) {
    return Refusal{"x", "its elements are no integers", ""};
  }
  if (const int64_t block = node.integer("block_size", 0); block > 0) {
    int64_t axis = node.integer("axis", 1);
    axis += axis < 0 ? int64_t(value.rank()) : 0;
    if (!value.constant || axis < 0 || axis >= int64_t(value.rank()) ||
        scale->shape.size() != value.rank() ||
        scale->shape[size_t(axis)] * block < value.extent(size_t(axis))) {
      return Refusal{"block_size",
                     "it needs known integers and one scale for each block",
                     ""};
    }
    *scale = spread(*scale, *value.constant, size_t(axis), block);
    if (zero) {
      *zero = spread(*zero, *value.constant, size_t(axis), block);
    }
  }
  const Grid grid{.scale = alongAxis(*scale, node, value.rank()),
                  .zero = zero ? alongAxis(*zero, node, value.rank())
                               : Constant::scalar(0, true)};
  value.quantization = quantizationOf(grid, value.rank());
  value.beforeRelu = nullptr;
  lowering.define(node, std::move(value));
  return std::nullopt;
}

/// out_scale * (how many thresholds the element has reached) + out_bias
static Outcome lowerMultiThreshold(Lowering &lowering, const Node &node) {
  Value value = lowering.emitter.real(lowering.input(node, 0));
  std::optional<Constant> thresholds = lowering.constantInput(node, 1);
  if (!thresholds || thresholds->shape.size() != 2 || value.constant) {
    return Refusal{"thresholds", "they are no known matrix", ""};
  }
  const std::string layout = node.text("data_layout", "NCHW");
  const size_t dim =
      layout == "NHWC" || value.rank() < 2 ? value.rank() - 1 : 1;
  const int64_t count = thresholds->shape[1];
  const double scale = node.real("out_scale", 1);
  const double bias = node.real("out_bias", 0);
  constexpr double most = 0x1p31;
  if (count < 1 || !(std::abs(scale) < most) || !(std::abs(bias) < most)) {
    return Refusal{"out_scale",
                   "it or out_bias is too large, or there are no "
                   "thresholds",
                   ""};
  }
  if (thresholds->shape[0] != 1 && thresholds->shape[0] != value.extent(dim)) {
    return Refusal{"thresholds", "their rows are not as many as channels", ""};
  }
  if (value.isInteger) { // v >= t is v >= ceil(t)
    for (double &t : thresholds->values) {
      t = std::clamp(std::ceil(t), -0x1p40, 0x1p40);
    }
    thresholds->isInteger = true;
  }
  if (count > 1 && value.tensor.empty()) {
    value = lowering.emitter.store(value, node.inputs[0], value.order);
  }
  // A last dimension, over which the sum runs.
  Value wide = value;
  if (count > 1) {
    wide.dims.push_back({});
    wide.order.push_back(int(value.rank()));
  }
  Extents shape(value.rank() + (count > 1 ? 1 : 0), 1);
  shape[dim] = thresholds->shape[0];
  if (count > 1) {
    shape.back() = count;
  }
  thresholds->name = node.inputs[1];
  const Value limits = constantValue(thresholds->reshaped(shape));
  std::vector<Value> operands = {wide, limits};
  std::optional<Value> counts = lowering.emitter.elementwise(
      operands, [](Elements e) { return e[0] >= e[1]; });
  if (!counts) {
    return notBroadcast();
  }
  const bool isWhole = std::trunc(scale) == scale && std::trunc(bias) == bias;
  Value result = value;
  result.tensor.clear();
  result.beforeRelu = nullptr;
  result.dims = counts->dims;
  if (count > 1) {
    result.dims.pop_back();
  }
  result.read = [read = counts->read, count, scale, bias,
                 isWhole](const Subscripts &subscripts) {
    Subscripts all = subscripts;
    Expression number = 0;
    if (count > 1) {
      all.push_back(Subscript::index("t"));
      number = Expression::reduction("sum", {"t"}, read(all));
    } else {
      number = read(all);
    }
    const auto literal = [&](double v) {
      return isWhole ? Expression(int64_t(v)) : Expression::real(float(v));
    };
    number = scale == 1 ? number : literal(scale) * number;
    return bias == 0  ? number
           : bias < 0 ? number - literal(-bias)
                      : number + literal(bias);
  };
  result.isInteger = isWhole;
  result.lowest = int64_t(std::min(bias, bias + scale * double(count)));
  result.highest = int64_t(std::max(bias, bias + scale * double(count)));
  result.isOdd = isWhole && int64_t(scale) % 2 == 0 && int64_t(bias) % 2 != 0;
  lowering.define(node,
                  lowering.emitter.store(result, node.name, result.order));
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
    if (!(numbers[i]->values[0] >= 1 && numbers[i]->values[0] <= 31)) {
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
      {"MultiThreshold", lowerMultiThreshold,
       "out_scale out_bias out_dtype data_layout", 2},
      {"QuantizeLinear", lowerQuantizeLinear,
       "axis block_size output_dtype saturate precision", 2},
      {"DequantizeLinear", lowerDequantizeLinear,
       "axis block_size output_dtype", 2},
  };
  return rules;
}

} // namespace lpgen::importer::onnx
