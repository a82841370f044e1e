// Softmax and its logarithm.
#include "networks/import/onnx/Elementwise.h"
#include "networks/import/onnx/Movement.h"
#include "networks/import/onnx/Reductions.h"

namespace lpgen::importer::onnx {

using builder::Expression;

/// The dimensions over which the node sums.
static Outcome readDims(const Lowering &lowering, const Node &node,
                        const Value &x, std::set<size_t> &dims) {
  // Before version 13, all dimensions from the axis on are one.
  constexpr int64_t firstOfOneAxis = 13;
  const bool isOneAxis =
      node.integer("opset", lowering.model.opset) >= firstOfOneAxis;
  const std::optional<size_t> axis =
      dimOf(node.integer("axis", isOneAxis ? -1 : 1), x.rank());
  if (!axis || x.extent(*axis) == batchExtent) {
    return Refusal{"axis", "it is out of range, or that of the images", ""};
  }
  for (size_t d = *axis; d < (isOneAxis ? *axis + 1 : x.rank()); ++d) {
    dims.insert(d);
  }
  return std::nullopt;
}

static Value combined(Lowering &lowering, const Value &a, const Value &b,
                      const Emitter::Combine &combine) {
  const std::vector<Value> operands = {a, b};
  return *lowering.emitter.elementwise(operands, combine);
}

/// e^x / sum of e^x, with the greatest x taken off; or the logarithm of it.
static Outcome lowerSoftmax(Lowering &lowering, const Node &node) {
  Emitter &emitter = lowering.emitter;
  const Value x =
      emitter.stored(emitter.real(lowering.input(node, 0)), node.inputs[0]);
  std::set<size_t> dims;
  if (Outcome refusal = readDims(lowering, node, x, dims)) {
    return refusal;
  }
  const Value most =
      emitter.assign(reduced(x, dims, "max"), node.name + "_max");
  const Value less =
      combined(lowering, x, most, [](Elements e) { return e[0] - e[1]; });
  const Value powers = emitter.assign(
      mapped(lowering, less,
             [](const Expression &e) { return Expression::call("exp", {e}); }),
      node.name + "_exp");
  const Value total =
      emitter.assign(reduced(powers, dims, "sum"), node.name + "_total");
  lowering.define(node, node.operation == "LogSoftmax"
                            ? combined(lowering, less, total,
                                       [](Elements e) {
                                         return e[0] -
                                                Expression::call("log", {e[1]});
                                       })
                            : combined(lowering, powers, total,
                                       [](Elements e) { return e[0] / e[1]; }));
  return std::nullopt;
}

std::span<const Rule> softmaxRules() {
  static constexpr Rule rules[] = {
      {"Softmax", lowerSoftmax, "axis opset"},
      {"LogSoftmax", lowerSoftmax, "axis"},
  };
  return rules;
}

} // namespace lpgen::importer::onnx
