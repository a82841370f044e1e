// Operators that put elements beside each other, and what those that move
// elements have in common.
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
  for (Value &part : parts) {
    if (part.rank() != parts[0].rank()) {
      return Refusal{"", "a part is of another rank", ""};
    }
    if (part.constant) {
      part = lowering.emitter.readable(part);
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
    const Value &part = lowering.input(node, i);
    if (!part.constant || part.constant->count() > 0) {
      parts.push_back(part);
    }
  }
  if (parts.empty()) {
    return Refusal{"", "its parts have no elements", ""};
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

std::span<const Rule> movementRules() {
  static constexpr Rule rules[] = {
      {"Concat", lowerConcat, "axis"},
      {"Pad", lowerPad, "mode pads value"},
      {"Resize", lowerResize,
       "coordinate_transformation_mode nearest_mode mode cubic_coeff_a "
       "exclude_outside extrapolation_value antialias axes "
       "keep_aspect_ratio_policy"},
      {"Upsample", lowerResize, "mode scales"},
  };
  return rules;
}

} // namespace lpgen::importer::onnx
