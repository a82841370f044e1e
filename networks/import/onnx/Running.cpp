// Running sums along a dimension.
#include "networks/import/onnx/Movement.h"
#include "networks/import/onnx/Reductions.h"
#include "networks/import/onnx/Weights.h"

namespace lpgen::importer::onnx {

using builder::Expression;

namespace {
struct Running {
  /// A tensor with one index along the dimension, backward if in reverse.
  Value x;
  size_t dim = 0;
  bool isReverse = false;   ///< From the last element on.
  bool isExclusive = false; ///< Without the element itself.

  int64_t extent() const { return x.extent(dim); }
};
} // namespace

/// The elements from the last one of a dimension on.
static Value reversed(const Value &x, size_t dim) {
  Value result = x;
  result.tensor.clear();
  result.beforeRelu = nullptr;
  const size_t place = x.firstFactor(dim);
  const Subscript last(x.extent(dim) - 1);
  result.read = [=](const Subscripts &subscripts) {
    Subscripts at = subscripts;
    at[place] = at[place] * -1 + last;
    return x.read(at);
  };
  return result;
}

static Outcome readRunning(Lowering &lowering, const Node &node,
                           Running &running) {
  const std::optional<Constant> axis = lowering.constantInput(node, 1);
  if (!axis || axis->count() != 1) {
    return Refusal{"axis", "it is not known", ""};
  }
  Value x = lowering.input(node, 0);
  const std::optional<size_t> dim = dimOf(toInteger(axis->values[0]), x.rank());
  if (!dim || x.extent(*dim) == batchExtent) {
    return Refusal{"axis", "it is out of range, or that of the images", ""};
  }
  if (x.quantization && !(hasOrderedCodes(x) && isUniformGrid(x))) {
    x = lowering.emitter.real(x);
  }
  Emitter &emitter = lowering.emitter;
  const bool isReverse = node.integer("reverse", 0) != 0;
  // A dimension of extent 1 has no index, which it gets.
  x = x.extent(*dim) == 1 && x.dims[*dim].empty() ? withIndex(x, *dim) : x;
  x = emitter.stored(emitter.flat(x, node.inputs[0]), node.inputs[0]);
  if (isReverse) {
    const Value backward = reversed(x, *dim);
    x = emitter.store(backward, node.inputs[0] + "_reversed", x.order);
  }
  running = {std::move(x), *dim, isReverse, node.integer("exclusive", 0) != 0};
  return std::nullopt;
}

/// The sums, from the last element on if they are in reverse, as a tensor.
static Value sums(Emitter &emitter, const Running &running,
                  const std::string &name) {
  const Value &x = running.x;
  Value result = x;
  result.tensor.clear();
  result.beforeRelu = nullptr;
  result.isOdd = false;
  result.operations = 1;
  makeSum(x, running.extent(), result);
  const size_t place = x.firstFactor(running.dim);
  result.read = [=](const Subscripts &subscripts) {
    Subscripts at = subscripts;
    at[place] = Subscript::index("r");
    return Expression::reduction("sum", {"r <= " + subscripts[place].text()},
                                 centred(x.read(at), x));
  };
  return emitter.assign(result, name);
}

static Outcome lowerCumSum(Lowering &lowering, const Node &node) {
  Running running;
  if (Outcome refusal = readRunning(lowering, node, running)) {
    return refusal;
  }
  Emitter &emitter = lowering.emitter;
  Value tensor = sums(emitter, running, node.name + "_running");
  if (running.isExclusive) {
    tensor = emitter.padded(tensor, "0");
  }
  Value result = running.isReverse ? reversed(tensor, running.dim) : tensor;
  if (running.isExclusive) {
    const Value whole = result;
    const size_t place = tensor.firstFactor(running.dim);
    const int64_t before = running.isReverse ? 1 : -1;
    result.tensor.clear();
    result.read = [=](const Subscripts &subscripts) {
      Subscripts at = subscripts;
      at[place] = at[place] + Subscript(before);
      return whole.read(at);
    };
  }
  lowering.define(node, emitter.real(result));
  return std::nullopt;
}

std::span<const Rule> runningRules() {
  static constexpr Rule rules[] = {
      {"CumSum", lowerCumSum, "exclusive reverse", 2}};
  return rules;
}

} // namespace lpgen::importer::onnx
