// Other shapes of the same elements: nothing is moved.
#include "base/tensor/Tensor.h"
#include "networks/import/onnx/Movement.h"
#include <algorithm>
#include <numeric>

namespace lpgen::importer::onnx {

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

/// Squares of pixels become channels, those of the first pixel before those of
/// the next one.
static Outcome lowerSpaceToDepth(Lowering &lowering, const Node &node) {
  const Value value = movable(lowering, lowering.input(node, 0));
  const int64_t block = node.integer("blocksize", 1);
  const Extents from = value.shape();
  if (from.size() != 4 || block < 1 || block > 1024 || from[2] % block != 0 ||
      from[3] % block != 0) {
    return Refusal{"blocksize", "it does not divide the image", ""};
  }
  const Extents split = {from[0], from[1],         from[2] / block,
                         block,   from[3] / block, block};
  std::optional<Value> parts = reshape(value, split);
  if (!parts) {
    parts = reshape(lowering.emitter.flat(value, node.inputs[0]), split);
  }
  const Value moved = transpose(withUniformGrid(*parts), {0, 3, 5, 1, 2, 4});
  Value result = *reshape(moved, {from[0], from[1] * block * block,
                                  from[2] / block, from[3] / block});
  lowering.define(node, withUniformGrid(std::move(result)));
  return std::nullopt;
}

std::span<const Rule> shapeRules() {
  static constexpr Rule rules[] = {
      {"Reshape", lowerReshape, "shape allowzero"},
      {"Flatten", lowerFlatten, "axis"},
      {"Squeeze", lowerSqueeze, "axes"},
      {"Unsqueeze", lowerUnsqueeze, "axes"},
      {"Transpose", lowerTranspose, "perm"},
      {"DepthToSpace", lowerDepthToSpace, "blocksize mode"},
      {"SpaceToDepth", lowerSpaceToDepth, "blocksize"},
  };
  return rules;
}

} // namespace lpgen::importer::onnx
