// Operators that put elements together, around and beside each other.
#include "networks/import/onnx/Movement.h"
#include <algorithm>
#include <cmath>

namespace lpgen::importer::onnx {

using builder::Expression;

std::optional<size_t> dimOf(int64_t axis, size_t rank) {
  axis += axis < 0 ? int64_t(rank) : 0;
  return axis >= 0 && axis < int64_t(rank) ? std::optional(size_t(axis))
                                           : std::nullopt;
}

Value movable(Lowering &lowering, const Value &value) {
  const std::optional<Quantization> &quantization = value.quantization;
  return quantization && !(quantization->scale.isUniform() &&
                           quantization->zero.isUniform())
             ? lowering.emitter.real(value)
             : value;
}

Value withUniformGrid(Value value) {
  if (value.quantization) {
    const Extents ones(value.rank(), 1);
    for (Constant *each :
         {&value.quantization->scale, &value.quantization->zero}) {
      each->values.resize(1);
      each->shape = ones;
    }
  }
  return value;
}

static bool isSameGrid(const Value &a, const Value &b) {
  if (a.isInteger != b.isInteger ||
      a.quantization.has_value() != b.quantization.has_value()) {
    return false;
  }
  return !a.quantization ||
         (a.quantization->scale.values == b.quantization->scale.values &&
          a.quantization->zero.values == b.quantization->zero.values);
}

Outcome concatenate(Lowering &lowering, const Node &node,
                    std::vector<Value> parts, size_t dim, Value &result) {
  for (Value &part : parts) {
    part = movable(lowering, part);
  }
  if (!std::ranges::all_of(
          parts, [&](const Value &v) { return isSameGrid(v, parts[0]); })) {
    for (Value &part : parts) {
      part = lowering.emitter.real(part);
      part.isInteger = part.isInteger && parts[0].isInteger;
    }
  }
  for (const Value &part : parts) {
    if (part.constant || part.rank() != parts[0].rank()) {
      return Refusal{"", "a part is known, or of another rank", ""};
    }
  }
  // All are read with the same indices.
  std::vector<bool> isIndexed(parts[0].rank());
  for (size_t d = 0; d < isIndexed.size(); ++d) {
    isIndexed[d] = d == dim || std::ranges::any_of(parts, [&](const Value &v) {
                     return !v.dims[d].empty();
                   });
  }
  result = Value();
  int64_t extent = 0;
  std::vector<Reader> readers;
  std::vector<int64_t> starts;
  for (Value &part : parts) {
    for (size_t d = 0; d < isIndexed.size(); ++d) {
      part = isIndexed[d] ? withIndex(part, d) : part;
    }
    // Reads outside a part are 0, so that the sum of all parts is one of them.
    part = lowering.emitter.flat(part, "part");
    part = lowering.emitter.padded(
        lowering.emitter.stored(part, node.name + ".part", parts[0].order),
        "0");
    for (size_t d = 0; d < part.rank(); ++d) {
      if (d != dim && part.extent(d) != parts[0].extent(d)) {
        return notBroadcast();
      }
    }
    starts.push_back(extent);
    extent += part.extent(dim);
    readers.push_back(part.read);
  }
  result = parts[0];
  result.tensor.clear();
  result.dims[dim] = {extent};
  for (const Value &part : parts) {
    result.lowest = std::min(result.lowest, part.lowest);
    result.highest = std::max(result.highest, part.highest);
    result.isOdd = result.isOdd && part.isOdd;
  }
  const size_t place = result.firstFactor(dim);
  result.read = [=](const Subscripts &subscripts) {
    std::optional<Expression> sum;
    for (size_t i = 0; i < readers.size(); ++i) {
      Subscripts moved = subscripts;
      moved[place] = (moved[place] + Subscript(-starts[i])).partial();
      const Expression part = readers[i](moved);
      sum = sum ? *sum + part : part;
    }
    return *sum;
  };
  result = lowering.emitter.store(result, node.name, result.order);
  return std::nullopt;
}

static Outcome lowerConcat(Lowering &lowering, const Node &node) {
  std::vector<Value> parts;
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    if (!node.hasInput(i)) {
      return Refusal{"", "an input is left out", ""};
    }
    parts.push_back(lowering.input(node, i));
  }
  const std::optional<size_t> dim =
      dimOf(node.integer("axis", 0), parts[0].rank());
  if (!dim || parts[0].extent(*dim) == batchExtent) {
    return Refusal{"axis", "it is out of range, or that of the images", ""};
  }
  Value result;
  if (Outcome refusal =
          concatenate(lowering, node, std::move(parts), *dim, result)) {
    return refusal;
  }
  lowering.define(node, std::move(result));
  return std::nullopt;
}

static Outcome lowerPad(Lowering &lowering, const Node &node) {
  Value value = movable(lowering, lowering.input(node, 0));
  std::vector<int64_t> pads = node.integers("pads");
  double number = node.real("value", 0);
  if (node.hasInput(1)) {
    const std::optional<Constant> given = lowering.constantInput(node, 1);
    pads = given ? given->integers() : pads;
  }
  if (node.hasInput(2)) {
    const std::optional<Constant> given = lowering.constantInput(node, 2);
    number = given && given->count() == 1 ? given->values[0] : NAN;
  }
  if (pads.size() != 2 * value.rank() || std::isnan(number) ||
      std::abs(number) > 3e38 ||
      std::ranges::any_of(pads,
                          [](int64_t p) { return std::abs(p) > (1 << 20); }) ||
      node.text("mode", "constant") != "constant" || node.hasInput(3)) {
    return Refusal{"mode",
                   "only padding of all dimensions with a known number "
                   "is supported",
                   ""};
  }
  std::string padding = "0";
  if (value.quantization) {
    const double code = number / float(value.quantization->scale.values[0]) +
                        value.quantization->zero.values[0];
    if (std::trunc(code) != code || code < double(value.lowest) ||
        code > double(value.highest)) {
      value = lowering.emitter.real(value);
    } else {
      padding = std::to_string(int64_t(code));
    }
  }
  if (!value.isInteger) {
    padding = Expression::real(float(number)).text();
  } else if (!value.quantization) {
    padding = std::to_string(toInteger(number));
  }
  for (size_t d = 0; d < value.rank(); ++d) {
    if (pads[d] != 0 || pads[value.rank() + d] != 0) {
      value = withIndex(value, d);
    }
  }
  value = lowering.emitter.flat(value, node.inputs[0]);
  value = lowering.emitter.padded(
      lowering.emitter.stored(value, node.inputs[0]), padding);
  Value result = value;
  result.tensor.clear();
  std::vector<int64_t> begins;
  for (size_t d = 0; d < value.rank(); ++d) {
    const int64_t added = pads[d] + pads[value.rank() + d];
    if (value.dims[d].empty()) {
      continue;
    }
    begins.push_back(pads[d]);
    if (added != 0 || pads[d] != 0) {
      const int64_t extent = value.extent(d) + added;
      if (value.extent(d) == batchExtent || extent < 1 || extent > (1 << 20)) {
        return Refusal{"pads", "an extent is out of range", ""};
      }
      result.dims[d] = {extent};
    }
  }
  result.read = [begins, read = value.read](const Subscripts &subscripts) {
    Subscripts moved = subscripts;
    for (size_t i = 0; i < begins.size(); ++i) {
      moved[i] = (moved[i] + Subscript(-begins[i])).partial();
    }
    return read(moved);
  };
  lowering.define(node,
                  lowering.emitter.store(result, node.name, result.order));
  return std::nullopt;
}

/// Each element of a dimension `factor` times.
static Value repeated(const Value &value, size_t dim, int64_t factor) {
  Value result = value;
  result.dims[dim].push_back(factor);
  result.tensor.clear();
  result.beforeRelu = nullptr;
  result.read =
      leavingOut(value.firstFactor(dim) + value.dims[dim].size(), value.read);
  return result;
}

static Outcome lowerResize(Lowering &lowering, const Node &node) {
  Value value = movable(lowering, lowering.input(node, 0));
  if (node.text("mode", "nearest") != "nearest") {
    return Refusal{"mode", "only 'nearest' is supported", ""};
  }
  // Upsample and Resize of opset 10 have the scales as input 1.
  const size_t scalesInput = node.inputs.size() > 2 ? 2 : 1;
  std::vector<double> scales;
  if (const auto given = lowering.constantInput(node, scalesInput);
      given && given->count() > 0) {
    scales = given->values;
  } else if (const auto sizes = lowering.constantInput(node, 3);
             sizes && sizes->count() == int64_t(value.rank())) {
    for (size_t d = 0; d < value.rank(); ++d) {
      scales.push_back(sizes->values[d] / double(value.extent(d)));
    }
  } else if (node.has("scales")) {
    const std::vector<float> &reals = node.attributes.at("scales").reals;
    scales.assign(reals.begin(), reals.end());
  }
  if (scales.size() != value.rank()) {
    return Refusal{"scales", "they are not known for each dimension", ""};
  }
  const std::string mode =
      node.text("coordinate_transformation_mode", "half_pixel");
  const std::string nearest = node.text("nearest_mode", "round_prefer_floor");
  // For whole factors all of these read element floor(i / factor).
  const bool isFloor =
      lowering.model.opset < 11 ||
      (mode == "asymmetric" && nearest == "floor") ||
      (mode == "half_pixel" && nearest.starts_with("round_prefer"));
  if (!isFloor) {
    return Refusal{"coordinate_transformation_mode",
                   "'" + mode + "' with '" + nearest + "' is not supported",
                   "export with 'asymmetric' and 'floor'"};
  }
  bool isLarger = false;
  for (size_t d = 0; d < scales.size(); ++d) {
    const int64_t factor = toInteger(scales[d]);
    if (double(factor) != scales[d] || factor < 1 || factor > 64 ||
        (factor != 1 && value.extent(d) == batchExtent)) {
      return Refusal{"scales", "a scale is no whole number from 1 to 64", ""};
    }
    if (factor > 1) {
      value = repeated(value, d, factor);
      isLarger = true;
    }
  }
  lowering.define(node,
                  isLarger ? lowering.emitter.flat(value, node.name) : value);
  return std::nullopt;
}

std::span<const Rule> movementRules() {
  static constexpr Rule rules[] = {
      {"Concat", lowerConcat, "axis"},
      {"Pad", lowerPad, "mode pads value"},
      {"Resize", lowerResize,
       "coordinate_transformation_mode nearest_mode mode cubic_coeff_a "
       "exclude_outside extrapolation_value antialias"},
      {"Upsample", lowerResize, "mode scales"},
  };
  return rules;
}

} // namespace lpgen::importer::onnx
