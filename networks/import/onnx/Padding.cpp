// Pad: elements around a tensor, or fewer of its own.
#include "networks/import/onnx/Movement.h"
#include <algorithm>
#include <cmath>

namespace lpgen::importer::onnx {

using builder::Expression;

namespace {
struct Pads {
  std::vector<int64_t> begins; ///< Of each dimension; negative: cut off.
  std::vector<int64_t> ends;
  std::string mode;
  double number = 0;
};
} // namespace

/// Of the dimensions that an input names, or of all.
static Outcome readPads(Lowering &lowering, const Node &node, size_t rank,
                        Pads &pads) {
  std::vector<int64_t> given = node.integers("pads");
  pads.mode = node.text("mode", "constant");
  pads.number = node.real("value", 0);
  if (node.hasInput(1)) {
    const std::optional<Constant> known = lowering.constantInput(node, 1);
    given = known ? known->integers() : std::vector<int64_t>();
  }
  if (node.hasInput(2)) {
    const std::optional<Constant> known = lowering.constantInput(node, 2);
    pads.number = known && known->count() == 1 ? known->values[0] : NAN;
  }
  std::vector<size_t> dims(rank);
  for (size_t d = 0; d < rank; ++d) {
    dims[d] = d;
  }
  if (node.hasInput(3)) {
    const std::optional<Constant> axes = lowering.constantInput(node, 3);
    dims.clear();
    for (const int64_t axis :
         axes ? axes->integers() : std::vector<int64_t>{-1 - int64_t(rank)}) {
      const std::optional<size_t> dim = dimOf(axis, rank);
      if (!dim || std::ranges::find(dims, *dim) != dims.end()) {
        return Refusal{"axes", "they are not known, or out of range", ""};
      }
      dims.push_back(*dim);
    }
  }
  constexpr int64_t most = 1 << 20;
  if (given.size() != 2 * dims.size() ||
      std::ranges::any_of(given,
                          [](int64_t p) { return std::abs(p) > most; })) {
    return Refusal{"pads", "they are not known, or not two for each dimension",
                   ""};
  }
  pads.begins.assign(rank, 0);
  pads.ends.assign(rank, 0);
  for (size_t i = 0; i < dims.size(); ++i) {
    pads.begins[dims[i]] = given[i];
    pads.ends[dims[i]] = given[dims.size() + i];
  }
  return std::nullopt;
}

/// What reads outside yield, of the numbers of a value, which becomes one that
/// holds it; nothing for a number that none does.
static std::optional<std::string>
numberOutside(Lowering &lowering, const Pads &pads, Value &value) {
  double code = pads.number;
  if (value.quantization) {
    code = pads.number / float(value.quantization->scale.values[0]) +
           value.quantization->zero.values[0];
    if (std::trunc(code) != code || code < double(value.lowest) ||
        code > double(value.highest)) {
      value = lowering.emitter.real(value);
      code = pads.number;
    }
  }
  constexpr double mostInteger = 0x1p52;
  if (value.isInteger &&
      (std::trunc(code) != code || std::abs(code) > mostInteger)) {
    value.isInteger = false;
    value.isOdd = false;
    value.tensor.clear();
  }
  if (!value.isInteger) {
    return std::isfinite(float(code))
               ? std::optional(Expression::real(float(code)).text())
           : code < 0 ? std::optional<std::string>("lowest")
                      : std::nullopt;
  }
  const int64_t number = toInteger(code);
  if (number < value.lowest || number > value.highest) {
    value.lowest = std::min(value.lowest, number);
    value.highest = std::max(value.highest, number);
    value.tensor.clear();
  }
  return std::to_string(number);
}

/// "edge" or "reflect", for which no element is cut off and one side has no
/// more than it can show.
static Outcome checkMirror(const Pads &pads, const Value &value) {
  for (size_t d = 0; d < value.rank(); ++d) {
    const int64_t most = std::max(pads.begins[d], pads.ends[d]);
    const int64_t least = std::min(pads.begins[d], pads.ends[d]);
    const int64_t extent = value.extent(d);
    if (least < 0 || (most > 0 && extent == batchExtent) ||
        (pads.mode == "reflect" && most > 0 && most >= extent)) {
      return Refusal{"pads", "they go together with 'constant' only", ""};
    }
  }
  return std::nullopt;
}

/// Reads the elements of `value` and, around them, what its padding yields.
static Outcome widened(const Pads &pads, const Value &value, Value &result) {
  result = value;
  result.tensor.clear();
  result.beforeRelu = nullptr;
  std::vector<int64_t> begins;
  for (size_t d = 0; d < value.rank(); ++d) {
    if (value.dims[d].empty()) {
      continue;
    }
    begins.push_back(pads.begins[d]);
    if (pads.begins[d] != 0 || pads.ends[d] != 0) {
      const int64_t extent = value.extent(d) + pads.begins[d] + pads.ends[d];
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
  return std::nullopt;
}

/// The image again and again on all sides.
static Outcome lowerWrap(Lowering &lowering, const Node &node, const Pads &pads,
                         Value value) {
  for (size_t d = 0; d < value.rank(); ++d) {
    const int64_t begin = pads.begins[d];
    const int64_t end = pads.ends[d];
    if (begin == 0 && end == 0) {
      continue;
    }
    const int64_t extent = value.extent(d);
    constexpr int64_t most = 1 << 20;
    if (begin < 0 || end < 0 || extent == batchExtent ||
        begin + extent + end > most) {
      return Refusal{"pads", "they are negative, too many, or of the images",
                     ""};
    }
    Constant places;
    places.isInteger = true;
    for (int64_t i = 0; i < begin + extent + end; ++i) {
      places.values.push_back(double((i + extent - begin % extent) % extent));
    }
    places.shape = {places.count()};
    value = gathered(lowering, node, value, d, places);
  }
  lowering.define(node, withUniformGrid(std::move(value)));
  return std::nullopt;
}

Outcome lowerPad(Lowering &lowering, const Node &node) {
  Value value = movable(lowering, lowering.input(node, 0));
  Pads pads;
  if (Outcome refusal = readPads(lowering, node, value.rank(), pads)) {
    return refusal;
  }
  if (pads.mode == "wrap") {
    return lowerWrap(lowering, node, pads, std::move(value));
  }
  std::optional<std::string> padding = pads.mode;
  if (pads.mode == "constant") {
    padding = numberOutside(lowering, pads, value);
    if (!padding) {
      return Refusal{"value", "it is not known, or infinite", ""};
    }
  } else if (pads.mode != "edge" && pads.mode != "reflect") {
    return Refusal{"mode", "'" + pads.mode + "' is not supported", ""};
  } else if (Outcome refusal = checkMirror(pads, value)) {
    return refusal;
  }
  for (size_t d = 0; d < value.rank(); ++d) {
    if (pads.begins[d] != 0 || pads.ends[d] != 0) {
      value = withIndex(value, d);
    }
  }
  value = lowering.emitter.flat(value, node.inputs[0]);
  value = lowering.emitter.padded(
      lowering.emitter.stored(value, node.inputs[0]), *padding);
  Value result;
  if (Outcome refusal = widened(pads, value, result)) {
    return refusal;
  }
  // Bipolar values have no 0.
  result.isOdd = result.isOdd &&
                 (pads.mode != "constant" || std::stoll(*padding) % 2 != 0);
  lowering.define(node,
                  lowering.emitter.store(result, node.name, result.order));
  return std::nullopt;
}

} // namespace lpgen::importer::onnx
