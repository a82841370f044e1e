// Parts of a dimension.
#include "networks/import/onnx/Movement.h"
#include <algorithm>
#include <array>
#include <numeric>

namespace lpgen::importer::onnx {

using builder::Expression;

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
  const size_t place = value.firstFactor(dim);
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

namespace {
/// Elements start, start + step, ... of a dimension.
struct Cut {
  int64_t start;
  int64_t step;
  int64_t count;
};
} // namespace

/// The elements from `start` on, before `end`; both count from the end of the
/// dimension if they are negative, and stop at its ends.
static Cut cutOf(int64_t extent, int64_t start, int64_t end, int64_t step) {
  const bool isBack = step < 0;
  const auto clamped = [&](int64_t at) {
    return std::clamp<int64_t>(at < 0 ? at + extent : at, isBack ? -1 : 0,
                               isBack ? extent - 1 : extent);
  };
  const int64_t most = std::max<int64_t>(extent, 1);
  step = std::clamp(step, -most, most);
  const int64_t first = clamped(start);
  const int64_t reach = isBack ? first - clamped(end) : clamped(end) - first;
  const int64_t size = std::abs(step);
  return {first, step, (reach + size - 1) / size};
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
    if (!dim || steps[i] == 0 || value.extent(*dim) == batchExtent) {
      return Refusal{"axes",
                     "an axis is out of range, that of the images, or its "
                     "step is 0",
                     ""};
    }
    const Cut cut = cutOf(value.extent(*dim), starts[i], ends[i], steps[i]);
    if (cut.count < 1) {
      return Refusal{"ends", "nothing is left", ""};
    }
    value = sliced(lowering, node, value, *dim, cut.start, cut.step, cut.count);
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

/// One element of a dimension, which stays with extent 1 or goes.
static Value picked(Lowering &lowering, const Node &node, const Value &value,
                    size_t dim, int64_t index, bool isGone) {
  Value part = sliced(lowering, node, value, dim, index, 1, 1);
  if (isGone) {
    Extents shape = part.shape();
    shape.erase(shape.begin() + int64_t(dim));
    part = *reshape(part, shape);
  }
  return part;
}

Value gathered(Lowering &lowering, const Node &node, const Value &from,
               size_t dim, const Constant &places) {
  Emitter &emitter = lowering.emitter;
  Value value = from.dims[dim].size() > 1 ? emitter.flat(from, node.inputs[0])
                                          : withIndex(from, dim);
  // What is read at computed places is a tensor.
  value = value.tensor.empty() || !value.read
              ? emitter.store(value, node.inputs[0], value.order)
              : value;
  Extents shape;
  std::vector<Factors> dims(value.dims.begin(), value.dims.begin() + dim);
  for (const int64_t extent : places.shape) {
    dims.push_back(extent == 1 ? Factors{} : Factors{extent});
    if (extent != 1) {
      shape.push_back(extent);
    }
  }
  const size_t indices = shape.size();
  dims.insert(dims.end(), value.dims.begin() + int64_t(dim) + 1,
              value.dims.end());
  const std::string table = emitter.program.addIntegers(
      node.name + ".places", places.integers(), shape,
      narrowestType(0, value.extent(dim) - 1));
  Value result = value;
  result.order = places.shape.size() == 1 ? value.order : std::vector<int>();
  for (size_t d = result.order.size(); d < dims.size(); ++d) {
    result.order.push_back(int(d));
  }
  const size_t place = value.firstFactor(dim);
  result.dims = std::move(dims);
  result.tensor.clear();
  result.beforeRelu = nullptr;
  ++result.layers;
  result.read = [=, read = value.read](const Subscripts &subscripts) {
    std::vector<std::string> at;
    at.reserve(indices);
    for (size_t i = 0; i < indices; ++i) {
      at.push_back(subscripts[place + i].text());
    }
    const Expression index =
        at.empty() ? Expression::scalar(table) : Expression::element(table, at);
    Subscripts moved = subscripts;
    moved.erase(moved.begin() + int64_t(place),
                moved.begin() + int64_t(place + indices));
    moved.insert(moved.begin() + int64_t(place),
                 Subscript::index(index.text()));
    return read(moved);
  };
  return result;
}

static Outcome lowerGather(Lowering &lowering, const Node &node) {
  const Value value = movable(lowering, lowering.input(node, 0));
  std::optional<Constant> indices = lowering.constantInput(node, 1);
  const std::optional<size_t> dim =
      dimOf(node.integer("axis", 0), value.rank());
  if (!dim || !indices || indices->count() == 0 ||
      value.extent(*dim) == batchExtent) {
    return Refusal{"indices", "they are not known numbers", ""};
  }
  const auto extent = double(value.extent(*dim));
  for (double &index : indices->values) {
    index += index < 0 ? extent : 0;
    const bool isInside = index >= 0 && index < extent;
    if (!isInside) {
      return Refusal{"indices", "one is out of range", ""};
    }
  }
  if (indices->count() == 1 && indices->shape.size() < 2) {
    lowering.define(node, withUniformGrid(picked(lowering, node, value, *dim,
                                                 indices->integers()[0],
                                                 indices->shape.empty())));
    return std::nullopt;
  }
  if (value.constant) {
    // Codes of a known tensor.
    const std::vector<Constant> operands = {*value.constant, *indices};
    std::optional<Constant> codes = fold(node, operands);
    if (!codes) {
      return Refusal{"data", "it has too many elements", ""};
    }
    Value part = constantValue(std::move(*codes));
    part.quantization = value.quantization;
    lowering.define(node, withUniformGrid(std::move(part)));
    return std::nullopt;
  }
  lowering.define(
      node, withUniformGrid(gathered(lowering, node, value, *dim, *indices)));
  return std::nullopt;
}

std::span<const Rule> sliceRules() {
  static constexpr Rule rules[] = {
      {"Slice", lowerSlice, "starts ends axes"},
      {"Split", lowerSplit, "axis split num_outputs"},
      {"Gather", lowerGather, "axis", 2},
  };
  return rules;
}

} // namespace lpgen::importer::onnx
