// Sums, means and extremes over dimensions.
#include "networks/import/onnx/Reductions.h"
#include "networks/import/onnx/Movement.h"
#include "networks/import/onnx/Weights.h"
#include <algorithm>

namespace lpgen::importer::onnx {

using builder::Expression;

bool hasOrderedCodes(const Value &x) {
  return !x.quantization ||
         (x.quantization->zero.isUniform() &&
          std::ranges::all_of(x.quantization->scale.values,
                              [](double s) { return s > 0; }));
}

static int64_t timesAtMost(int64_t a, int64_t b) {
  return toInteger(double(a) * double(b));
}

void makeSum(const Value &x, int64_t count, Value &value) {
  const int64_t zero = zeroOf(x);
  value.lowest = timesAtMost(std::min<int64_t>(x.lowest - zero, 0), count);
  value.highest = timesAtMost(std::max<int64_t>(x.highest - zero, 0), count);
  if (value.quantization) {
    value.quantization->zero = Constant::scalar(0, true);
    value.quantization->zero.shape.assign(x.rank(), 1);
  }
}

Value reduced(const Value &x, const std::set<size_t> &dims,
              const std::string &reduction,
              const std::function<Expression(const Expression &)> &term) {
  Value result = x;
  for (const size_t d : dims) {
    result.dims[d].clear();
  }
  result.tensor.clear();
  result.beforeRelu = nullptr;
  result.operations = 1;
  result.read = [=](const Subscripts &subscripts) {
    // No names of indices of a tensor.
    static const std::string letters = "rstabefgpqu";
    Subscripts at;
    std::vector<std::string> bounds;
    size_t next = 0;
    for (size_t d = 0; d < x.dims.size(); ++d) {
      for (size_t i = 0; i < x.dims[d].size(); ++i) {
        if (dims.contains(d)) {
          const size_t number = bounds.size() / letters.size();
          bounds.push_back(
              std::string(1, letters[bounds.size() % letters.size()]) +
              (number == 0 ? "" : std::to_string(number)));
          at.push_back(Subscript::index(bounds.back()));
        } else {
          at.push_back(subscripts[next++]);
        }
      }
    }
    const Expression element = term(x.read(at));
    return bounds.empty() ? element
                          : Expression::reduction(reduction, bounds, element);
  };
  return result;
}

Value reduced(const Value &x, const std::set<size_t> &dims,
              const std::string &reduction) {
  return reduced(x, dims, reduction, [](const Expression &e) { return e; });
}

Value dropped(const Value &value, const std::set<size_t> &dims) {
  Extents shape;
  for (size_t d = 0; d < value.rank(); ++d) {
    if (!dims.contains(d)) {
      shape.push_back(value.extent(d));
    }
  }
  return *reshape(value, shape);
}

/// The scale is the same for all elements that a reduction over `dims` takes
/// together.
static bool isOneGrid(const Value &x, const std::set<size_t> &dims) {
  if (!x.quantization || x.quantization->scale.isUniform()) {
    return true;
  }
  const Extents &scales = x.quantization->scale.shape;
  return scales.size() == x.rank() &&
         std::ranges::all_of(dims, [&](size_t d) { return scales[d] == 1; });
}

/// x as a tensor whose codes can be taken together.
static Value operand(Lowering &lowering, const Node &node, const Value &value,
                     const std::set<size_t> &dims) {
  const Value x = hasOrderedCodes(value) && isOneGrid(value, dims)
                      ? value
                      : lowering.emitter.real(value);
  return lowering.emitter.stored(x, node.inputs[0]);
}

/// Sums over dimensions; `dims` keep extent 1.
static Value sumOver(Lowering &lowering, const Node &node, const Value &value,
                     const std::set<size_t> &dims) {
  const Value x = operand(lowering, node, value, dims);
  int64_t count = 1;
  for (const size_t d : dims) {
    count *= x.extent(d);
  }
  Value result = reduced(x, dims, "sum",
                         [x](const Expression &e) { return centred(e, x); });
  makeSum(x, count, result);
  return lowering.emitter.assign(result, node.name + "_sum");
}

static Value meanOver(Lowering &lowering, const Node &node, const Value &value,
                      const std::set<size_t> &dims) {
  double count = 1;
  for (const size_t d : dims) {
    count *= double(value.extent(d));
  }
  const std::vector<Value> operands = {
      lowering.emitter.real(sumOver(lowering, node, value, dims)),
      constantValue(Constant::scalar(count))};
  return *lowering.emitter.elementwise(
      operands, [](std::span<const Expression> e) {
        return Expression::call("f32", {e[0]}) / e[1];
      });
}

/// "max" or "min" of the codes.
static Value extremeOver(Lowering &lowering, const Node &node,
                         const Value &value, const std::set<size_t> &dims,
                         const std::string &reduction) {
  const Value x = operand(lowering, node, value, dims);
  return lowering.emitter.assign(reduced(x, dims, reduction),
                                 node.name + "_" + reduction);
}

static Outcome readDims(Lowering &lowering, const Node &node,
                        std::set<size_t> &dims) {
  const Value &x = lowering.input(node, 0);
  std::vector<int64_t> axes = node.integers("axes");
  if (node.hasInput(1)) {
    const std::optional<Constant> given = lowering.constantInput(node, 1);
    if (!given) {
      return Refusal{"axes", "they are not known", ""};
    }
    axes = given->integers();
  }
  for (const int64_t axis : axes) {
    const std::optional<size_t> dim = dimOf(axis, x.rank());
    if (!dim) {
      return Refusal{"axes", "one is out of range", ""};
    }
    dims.insert(*dim);
  }
  if (axes.empty() && node.integer("noop_with_empty_axes", 0) == 0) {
    for (size_t d = 0; d < x.rank(); ++d) {
      dims.insert(d);
    }
  }
  for (const size_t d : dims) {
    if (x.extent(d) == batchExtent) {
      return Refusal{"axes", "the images are not reduced", ""};
    }
  }
  return std::nullopt;
}

static Outcome lowerReduce(Lowering &lowering, const Node &node) {
  std::set<size_t> dims;
  if (Outcome refusal = readDims(lowering, node, dims)) {
    return refusal;
  }
  const Value &x = lowering.input(node, 0);
  const std::string &name = node.operation;
  if (name == "ReduceMean" && lowering.isOfIntegers(node, 0)) {
    return Refusal{"data", "means of integers are not supported",
                   "cast them to floats before"};
  }
  Value result = name == "ReduceSum"
                     ? lowering.emitter.real(sumOver(lowering, node, x, dims))
                 : name == "ReduceMean"
                     ? meanOver(lowering, node, x, dims)
                     : extremeOver(lowering, node, x, dims,
                                   name == "ReduceMax" ? "max" : "min");
  if (node.integer("keepdims", 1) == 0) {
    result = dropped(result, dims);
  }
  lowering.define(node, std::move(result));
  return std::nullopt;
}

/// The dimensions of an image.
static std::set<size_t> spatialDims(const Value &x) {
  std::set<size_t> dims;
  for (size_t d = 2; d < x.rank(); ++d) {
    dims.insert(d);
  }
  return dims;
}
static Outcome lowerGlobalAveragePool(Lowering &lowering, const Node &node) {
  const Value &x = lowering.input(node, 0);
  lowering.define(node, meanOver(lowering, node, x, spatialDims(x)));
  return std::nullopt;
}
static Outcome lowerGlobalMaxPool(Lowering &lowering, const Node &node) {
  const Value &x = lowering.input(node, 0);
  lowering.define(node, extremeOver(lowering, node, x, spatialDims(x), "max"));
  return std::nullopt;
}

std::span<const Rule> reductionRules() {
  static constexpr const char *axes = "axes keepdims noop_with_empty_axes";
  static constexpr Rule rules[] = {
      {"ReduceSum", lowerReduce, axes},
      {"ReduceMean", lowerReduce, axes},
      {"ReduceMax", lowerReduce, axes},
      {"ReduceMin", lowerReduce, axes},
      {"GlobalAveragePool", lowerGlobalAveragePool, ""},
      {"GlobalMaxPool", lowerGlobalMaxPool, ""},
  };
  return rules;
}

} // namespace lpgen::importer::onnx
