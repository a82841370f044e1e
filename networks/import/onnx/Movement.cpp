// Operators that move elements and change none.
#include "base/tensor/Tensor.h"
#include "networks/import/onnx/Lowering.h"
#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

namespace lpgen::importer::onnx {

using builder::Expression;

static std::optional<size_t> dimOf(int64_t axis, size_t rank) {
  axis += axis < 0 ? int64_t(rank) : 0;
  return axis >= 0 && axis < int64_t(rank) ? std::optional(size_t(axis))
                                           : std::nullopt;
}

/// Without scales of single channels, so that every element is like the others.
static Value movable(Lowering &lowering, const Value &value) {
  const std::optional<Quantization> &quantization = value.quantization;
  return quantization && !(quantization->scale.isUniform() &&
                           quantization->zero.isUniform())
             ? lowering.emitter.real(value)
             : value;
}

/// Gives the one scale of all elements the rank of the value.
static Value withUniformGrid(Value value) {
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

static Outcome defineShape(Lowering &lowering, const Node &node,
                           const Extents &shape) {
  const Value value = movable(lowering, lowering.input(node, 0));
  std::optional<Value> result = reshape(value, shape);
  if (!result) {
    result = reshape(lowering.emitter.flat(value, node.inputs[0]), shape);
  }
  if (!result) {
    return Refusal{"shape",
                   "the dimensions " + shapeToString(value.shape()) +
                       " cannot be cut to " + shapeToString(shape),
                   ""};
  }
  lowering.define(node, withUniformGrid(std::move(*result)));
  return std::nullopt;
}

static Outcome lowerReshape(Lowering &lowering, const Node &node) {
  std::vector<int64_t> target = node.integers("shape");
  if (node.hasInput(1)) {
    const std::optional<Constant> given = lowering.constantInput(node, 1);
    if (!given) {
      return Refusal{"shape", "it is not known", ""};
    }
    target = given->integers();
  }
  const Extents from = lowering.input(node, 0).shape();
  const bool isBatched = !from.empty() && from[0] == batchExtent;
  const bool allowsZero = node.integer("allowzero", 0) != 0;
  int64_t all = 1;
  for (size_t d = isBatched ? 1 : 0; d < from.size(); ++d) {
    all *= from[d];
  }
  int64_t known = 1;
  std::optional<size_t> open;
  Extents shape = target;
  for (size_t d = 0; d < target.size(); ++d) {
    if (target[d] == 0 && !allowsZero && d < from.size()) {
      shape[d] = from[d];
    }
    if (isBatched && d == 0 && (shape[d] == batchExtent || shape[d] == 1)) {
      shape[d] = batchExtent; // the images stay
      continue;
    }
    if (shape[d] == -1) {
      if (open) {
        return Refusal{"shape", "two extents are open", ""};
      }
      open = d;
    } else if (shape[d] < 1 ||
               __builtin_mul_overflow(known, shape[d], &known)) {
      return Refusal{"shape", "an extent is negative or too large", ""};
    }
  }
  if (open) {
    shape[*open] = known == 0 ? 0 : all / known;
    known *= shape[*open];
  }
  if (known != all) {
    return Refusal{"shape",
                   shapeToString(target) +
                       " has not as many elements "
                       "as " +
                       shapeToString(from),
                   ""};
  }
  return defineShape(lowering, node, shape);
}

static Outcome lowerFlatten(Lowering &lowering, const Node &node) {
  const Extents from = lowering.input(node, 0).shape();
  int64_t axis = node.integer("axis", 1);
  axis += axis < 0 ? int64_t(from.size()) : 0;
  if (axis < 0 || axis > int64_t(from.size()) ||
      (axis != 1 && !from.empty() && from[0] == batchExtent)) {
    return Refusal{"axis", "it is out of range, or joins the images", ""};
  }
  const auto product = [](auto begin, auto end) {
    return std::accumulate(begin, end, int64_t{1}, std::multiplies<>());
  };
  return defineShape(lowering, node,
                     {product(from.begin(), from.begin() + axis),
                      product(from.begin() + axis, from.end())});
}

/// The axes of Squeeze and Unsqueeze: an attribute, or, later, an input.
static std::optional<std::vector<int64_t>> axesOf(Lowering &lowering,
                                                  const Node &node) {
  if (!node.hasInput(1)) {
    return node.integers("axes");
  }
  const std::optional<Constant> given = lowering.constantInput(node, 1);
  return given ? std::optional(given->integers()) : std::nullopt;
}

static Outcome lowerSqueeze(Lowering &lowering, const Node &node) {
  const Extents from = lowering.input(node, 0).shape();
  const auto axes = axesOf(lowering, node);
  if (!axes) {
    return Refusal{"axes", "they are not known", ""};
  }
  std::set<size_t> dims;
  for (const int64_t axis : *axes) {
    const std::optional<size_t> dim = dimOf(axis, from.size());
    if (!dim || from[*dim] != 1) {
      return Refusal{"axes", "one is out of range or not of extent 1", ""};
    }
    dims.insert(*dim);
  }
  Extents shape;
  for (size_t d = 0; d < from.size(); ++d) {
    if (axes->empty() ? from[d] != 1 : !dims.contains(d)) {
      shape.push_back(from[d]);
    }
  }
  return defineShape(lowering, node, shape);
}

static Outcome lowerUnsqueeze(Lowering &lowering, const Node &node) {
  const Extents from = lowering.input(node, 0).shape();
  const auto axes = axesOf(lowering, node);
  if (!axes || axes->empty()) {
    return Refusal{"axes", "they are not known", ""};
  }
  std::set<size_t> dims;
  for (const int64_t axis : *axes) {
    const std::optional<size_t> dim = dimOf(axis, from.size() + axes->size());
    if (!dim || !dims.insert(*dim).second) {
      return Refusal{"axes", "one is out of range or given twice", ""};
    }
  }
  Extents shape;
  size_t next = 0;
  for (size_t d = 0; d < from.size() + axes->size(); ++d) {
    shape.push_back(dims.contains(d) ? 1 : from[next++]);
  }
  return defineShape(lowering, node, shape);
}

static Outcome lowerTranspose(Lowering &lowering, const Node &node) {
  const Value &value = lowering.input(node, 0);
  std::vector<int64_t> perm = node.integers("perm");
  if (perm.empty()) {
    for (size_t d = value.rank(); d-- > 0;) {
      perm.push_back(int64_t(d));
    }
  }
  const std::vector<int> order(perm.begin(), perm.end());
  std::vector<int> sorted = order;
  std::ranges::sort(sorted);
  std::vector<int> all(value.rank());
  std::iota(all.begin(), all.end(), 0);
  if (sorted != all) {
    return Refusal{"perm", "it is no order of the dimensions", ""};
  }
  lowering.define(node, transpose(value, order));
  return std::nullopt;
}

/// Elements [start, start + step * count) of one dimension.
static Value sliced(Lowering &lowering, const Node &node, const Value &from,
                    size_t dim, int64_t start, int64_t step, int64_t count) {
  Value value = from;
  if (value.constant) {
    Constant part = *value.constant;
    part.shape[dim] = count;
    part.values.clear();
    forEachElement(part.shape, [&](Extents indices) {
      indices[dim] = start + indices[dim] * step;
      part.values.push_back(value.constant->broadcastAt(indices));
    });
    Value result = constantValue(std::move(part));
    result.quantization = value.quantization;
    return result;
  }
  // In one factor, or in the outermost of several.
  const auto inner = [&] {
    return value.dims[dim].size() < 2 ? int64_t{1}
                                      : productOf({value.dims[dim].begin() + 1,
                                                   value.dims[dim].end()});
  };
  if (inner() > 1 &&
      (step != 1 || start % inner() != 0 || count % inner() != 0)) {
    value = lowering.emitter.flat(value, node.inputs[0]);
  }
  size_t place = 0;
  for (size_t d = 0; d < dim; ++d) {
    place += value.dims[d].size();
  }
  const int64_t block = inner();
  Value result = value;
  if (value.dims[dim].empty()) {
    return result;
  }
  const bool isGone = count / block == 1 && dim > 0;
  if (isGone) {
    result.dims[dim].erase(result.dims[dim].begin());
  } else {
    result.dims[dim].front() = count / block;
  }
  result.tensor.clear();
  ++result.layers;
  const auto through = [=](const Reader &read) -> Reader {
    if (!read) {
      return read;
    }
    return [=](const Subscripts &subscripts) {
      Subscripts moved = subscripts;
      const Subscript first = start / block;
      if (isGone) {
        moved.insert(moved.begin() + int64_t(place), first);
      } else {
        moved[place] = (moved[place] * step + first).partial();
      }
      return read(moved);
    };
  };
  result.read = through(value.read);
  result.beforeRelu = through(value.beforeRelu);
  return result;
}

static Outcome lowerSlice(Lowering &lowering, const Node &node) {
  Value value = movable(lowering, lowering.input(node, 0));
  std::array<std::vector<int64_t>, 4> given = {
      node.integers("starts"), node.integers("ends"), node.integers("axes"),
      std::vector<int64_t>{}};
  for (size_t i = 1; i < node.inputs.size() && i < 5; ++i) {
    if (!node.hasInput(i)) {
      continue;
    }
    const std::optional<Constant> numbers = lowering.constantInput(node, i);
    if (!numbers) {
      return Refusal{node.inputs[i], "it is not known", ""};
    }
    given[i - 1] = numbers->integers();
  }
  auto &[starts, ends, axes, steps] = given;
  for (size_t i = axes.size(); axes.size() < starts.size(); ++i) {
    axes.push_back(int64_t(i));
  }
  steps.resize(starts.size(), 1);
  if (ends.size() != starts.size() || axes.size() != starts.size()) {
    return Refusal{"starts", "starts, ends and axes are not as many", ""};
  }
  for (size_t i = 0; i < starts.size(); ++i) {
    const std::optional<size_t> dim = dimOf(axes[i], value.rank());
    if (!dim || steps[i] < 1 || value.extent(*dim) == batchExtent) {
      return Refusal{"axes",
                     "an axis is out of range, that of the images, or "
                     "its step is not positive",
                     ""};
    }
    const int64_t extent = value.extent(*dim);
    steps[i] = std::min(steps[i], std::max<int64_t>(extent, 1));
    const auto clamped = [&](int64_t at) {
      return std::clamp<int64_t>(at < 0 ? at + extent : at, 0, extent);
    };
    const int64_t start = clamped(starts[i]);
    const int64_t count = (clamped(ends[i]) - start + steps[i] - 1) / steps[i];
    if (count < 1) {
      return Refusal{"ends", "nothing is left", ""};
    }
    value = sliced(lowering, node, value, *dim, start, steps[i], count);
  }
  lowering.define(node, std::move(value));
  return std::nullopt;
}

static Outcome lowerSplit(Lowering &lowering, const Node &node) {
  const Value value = movable(lowering, lowering.input(node, 0));
  const std::optional<size_t> dim =
      dimOf(node.integer("axis", 0), value.rank());
  if (!dim || value.extent(*dim) == batchExtent) {
    return Refusal{"axis", "it is out of range, or that of the images", ""};
  }
  std::vector<int64_t> parts = node.integers("split");
  if (node.hasInput(1)) {
    const std::optional<Constant> given = lowering.constantInput(node, 1);
    if (!given) {
      return Refusal{"split", "it is not known", ""};
    }
    parts = given->integers();
  }
  const int64_t extent = value.extent(*dim);
  const auto outputs = int64_t(node.outputs.size());
  if (parts.empty() && outputs > 0) {
    const int64_t part = (extent + outputs - 1) / outputs;
    for (int64_t start = 0; start < extent; start += part) {
      parts.push_back(std::min(part, extent - start));
    }
  }
  if (int64_t(parts.size()) != outputs ||
      std::ranges::any_of(parts, [&](int64_t p) { return p > extent; }) ||
      std::accumulate(parts.begin(), parts.end(), int64_t{0}) != extent ||
      std::ranges::any_of(parts, [](int64_t p) { return p < 1; })) {
    return Refusal{"split", "the parts do not make up the dimension", ""};
  }
  int64_t start = 0;
  for (size_t i = 0; i < parts.size(); ++i) {
    lowering.define(node,
                    sliced(lowering, node, value, *dim, start, 1, parts[i]), i);
    start += parts[i];
  }
  return std::nullopt;
}

static Outcome lowerGather(Lowering &lowering, const Node &node) {
  const Value value = movable(lowering, lowering.input(node, 0));
  const std::optional<Constant> indices = lowering.constantInput(node, 1);
  const std::optional<size_t> dim =
      dimOf(node.integer("axis", 0), value.rank());
  if (!dim || !indices || indices->count() != 1 ||
      value.extent(*dim) == batchExtent) {
    return Refusal{"indices", "they are not one known number", ""};
  }
  int64_t index = indices->integers()[0];
  index += index < 0 ? value.extent(*dim) : 0;
  if (index < 0 || index >= value.extent(*dim)) {
    return Refusal{"indices", "it is out of range", ""};
  }
  Value part = sliced(lowering, node, value, *dim, index, 1, 1);
  if (indices->shape.empty()) {
    Extents shape = part.shape();
    shape.erase(shape.begin() + int64_t(*dim));
    part = *reshape(part, shape);
  }
  lowering.define(node, withUniformGrid(std::move(part)));
  return std::nullopt;
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
  result = Value();
  int64_t extent = 0;
  std::vector<Reader> readers;
  std::vector<int64_t> starts;
  for (Value &part : parts) {
    if (part.constant || part.rank() != parts[0].rank()) {
      return Refusal{"", "a part is known, or of another rank", ""};
    }
    // Reads outside a part are 0, so that the sum of all parts is one of them.
    part = lowering.emitter.flat(withIndex(part, dim), "part");
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
  size_t place = 0;
  for (size_t d = 0; d < dim; ++d) {
    place += result.dims[d].size();
  }
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
  size_t place = 0;
  for (size_t d = 0; d <= dim; ++d) {
    place += value.dims[d].size();
  }
  result.dims[dim].push_back(factor);
  result.tensor.clear();
  result.beforeRelu = nullptr;
  result.read = [place, read = value.read](const Subscripts &subscripts) {
    Subscripts fewer = subscripts;
    fewer.erase(fewer.begin() + int64_t(place));
    return read(fewer);
  };
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

static Outcome lowerDepthToSpace(Lowering &lowering, const Node &node) {
  const Value value = movable(lowering, lowering.input(node, 0));
  const int64_t block = node.integer("blocksize", 1);
  const bool isDepthFirst = node.text("mode", "DCR") == "DCR";
  const Extents from = value.shape();
  if (from.size() != 4 || block < 1 || block > 1024 ||
      from[1] % (block * block) != 0) {
    return Refusal{"blocksize", "it does not divide the channels", ""};
  }
  const int64_t channels = from[1] / (block * block);
  const Extents split =
      isDepthFirst ? Extents{from[0], block, block, channels, from[2], from[3]}
                   : Extents{from[0], channels, block, block, from[2], from[3]};
  std::optional<Value> parts = reshape(value, split);
  if (!parts) {
    parts = reshape(lowering.emitter.flat(value, node.inputs[0]), split);
  }
  const Value moved =
      transpose(withUniformGrid(*parts),
                isDepthFirst ? std::vector<int>{0, 3, 4, 1, 5, 2}
                             : std::vector<int>{0, 1, 4, 2, 5, 3});
  Value result =
      *reshape(moved, {from[0], channels, from[2] * block, from[3] * block});
  lowering.define(node, withUniformGrid(std::move(result)));
  return std::nullopt;
}

std::span<const Rule> movementRules() {
  static constexpr Rule rules[] = {
      {"Reshape", lowerReshape, "shape allowzero"},
      {"Flatten", lowerFlatten, "axis"},
      {"Squeeze", lowerSqueeze, "axes"},
      {"Unsqueeze", lowerUnsqueeze, "axes"},
      {"Transpose", lowerTranspose, "perm"},
      {"Slice", lowerSlice, "starts ends axes"},
      {"Split", lowerSplit, "axis split num_outputs"},
      {"Gather", lowerGather, "axis", 2},
      {"Concat", lowerConcat, "axis"},
      {"Pad", lowerPad, "mode pads value"},
      {"Resize", lowerResize,
       "coordinate_transformation_mode nearest_mode mode cubic_coeff_a "
       "exclude_outside extrapolation_value antialias"},
      {"Upsample", lowerResize, "mode scales"},
      {"DepthToSpace", lowerDepthToSpace, "blocksize mode"},
  };
  return rules;
}

} // namespace lpgen::importer::onnx
