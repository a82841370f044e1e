// Operators that read elements several times: Expand and Tile.
#include "base/tensor/Tensor.h"
#include "networks/import/onnx/Movement.h"
#include <algorithm>

namespace lpgen::importer::onnx {

/// Known numbers, repeated.
static std::optional<Constant> repeatedNumbers(const Constant &from,
                                               const Extents &times) {
  Constant result = from;
  for (size_t d = 0; d < times.size(); ++d) {
    if (__builtin_mul_overflow(from.shape[d], times[d], &result.shape[d])) {
      return std::nullopt;
    }
  }
  constexpr int64_t mostElements = int64_t{1} << 24;
  if (elementCount(result.shape) > mostElements) {
    return std::nullopt;
  }
  result.values.clear();
  forEachElement(result.shape, [&](Extents indices) {
    for (size_t d = 0; d < indices.size(); ++d) {
      indices[d] %= from.shape[d];
    }
    result.values.push_back(from.broadcastAt(indices));
  });
  return result;
}

/// Each dimension repeated as a whole. It is one more factor, outside of the
/// others, which nothing reads.
static Outcome repeated(Lowering &lowering, const Value &from,
                        const Extents &times, Value &result) {
  const Value value = movable(lowering, from);
  constexpr int64_t most = int64_t{1} << 31;
  for (size_t d = 0; d < times.size(); ++d) {
    if (times[d] < 1 || times[d] > most ||
        (times[d] > 1 && value.extent(d) == batchExtent)) {
      return Refusal{"repeats", "one is out of range, or that of the images",
                     ""};
    }
  }
  if (value.constant) {
    std::optional<Constant> numbers = repeatedNumbers(*value.constant, times);
    if (!numbers) {
      return Refusal{"repeats", "the result has too many elements", ""};
    }
    numbers->name.clear();
    result = constantValue(std::move(*numbers));
    result.quantization = value.quantization;
    result = withUniformGrid(std::move(result));
    return std::nullopt;
  }
  result = value;
  for (size_t d = 0; d < times.size(); ++d) {
    if (times[d] > 1) {
      // An index of its own of an extent of 1 is no longer needed.
      Factors &factors = result.dims[d];
      factors = factors == Factors{1} ? Factors() : factors;
      factors.insert(factors.begin(), times[d]);
    }
  }
  const auto through = [&](const Reader &read) -> Reader {
    if (!read) {
      return read;
    }
    return [dims = result.dims, from = value.dims, times,
            read](const Subscripts &subscripts) {
      Subscripts own;
      size_t next = 0;
      for (size_t d = 0; d < dims.size(); ++d) {
        next += times[d] > 1 ? 1 : 0;
        if (from[d] == Factors{1} && times[d] > 1) {
          own.emplace_back(0);
          continue;
        }
        for (size_t i = 0; i < from[d].size(); ++i) {
          own.push_back(subscripts[next++]);
        }
      }
      return read(own);
    };
  };
  result.read = through(value.read);
  result.beforeRelu = through(value.beforeRelu);
  result.tensor.clear();
  ++result.layers;
  return std::nullopt;
}

/// Extents of 1 become those of the shape, as where elements are broadcast.
static Outcome lowerExpand(Lowering &lowering, const Node &node) {
  Value value = lowering.input(node, 0);
  const std::optional<Constant> given = lowering.constantInput(node, 1);
  if (!given || given->shape.size() > 1) {
    return Refusal{"shape", "it is not known", ""};
  }
  Extents shape = given->integers();
  if (shape.size() > value.rank()) {
    Extents more = value.shape();
    more.insert(more.begin(), shape.size() - more.size(), 1);
    if (value.rank() > 0 && value.extent(0) == batchExtent) {
      return Refusal{"shape", "it puts dimensions before that of the images",
                     ""};
    }
    value = withUniformGrid(*reshape(movable(lowering, value), more));
  }
  shape.insert(shape.begin(), value.rank() - shape.size(), 1);
  Extents times;
  for (size_t d = 0; d < shape.size(); ++d) {
    const int64_t extent = value.extent(d);
    if (shape[d] != 1 && shape[d] != extent && extent != 1) {
      return notBroadcast();
    }
    times.push_back(shape[d] == extent ? 1 : shape[d]);
  }
  Value result;
  if (Outcome refusal = repeated(lowering, value, times, result)) {
    refusal->attribute = "shape";
    return refusal;
  }
  lowering.define(node, std::move(result));
  return std::nullopt;
}

static Outcome lowerTile(Lowering &lowering, const Node &node) {
  const Value &value = lowering.input(node, 0);
  const std::optional<Constant> times = lowering.constantInput(node, 1);
  if (!times || times->count() != int64_t(value.rank())) {
    return Refusal{"repeats",
                   "they are not known, or not one for each "
                   "dimension",
                   ""};
  }
  Value result;
  if (Outcome refusal = repeated(lowering, value, times->integers(), result)) {
    return refusal;
  }
  lowering.define(node, std::move(result));
  return std::nullopt;
}

std::span<const Rule> repeatingRules() {
  static constexpr Rule rules[] = {
      {"Expand", lowerExpand, "", 2},
      {"Tile", lowerTile, "", 2},
  };
  return rules;
}

} // namespace lpgen::importer::onnx
