// Reductions over one dimension: the place of the greatest element.
#include "networks/import/onnx/Lowering.h"

namespace lpgen::importer::onnx {

using builder::Expression;

/// `reduction` of the elements along a dimension, which gets extent 1.
static Value reduced(const Value &x, size_t dim, const std::string &reduction,
                     const std::function<Expression(const Subscripts &,
                                                    const Subscript &)> &term) {
  Value result = x;
  const size_t place = x.firstFactor(dim);
  result.dims[dim].clear();
  result.tensor.clear();
  result.beforeRelu = nullptr;
  result.read = [=](const Subscripts &subscripts) {
    Subscripts all = subscripts;
    all.insert(all.begin() + int64_t(place), Subscript::index("k"));
    return Expression::reduction(reduction, {"k"},
                                 term(all, Subscript::index("k")));
  };
  return result;
}

/// The number of the first greatest element: with the numbers counted down,
/// the greatest one of those whose element is the maximum.
static Outcome lowerArgMaxAlong(Lowering &lowering, const Node &node,
                                int64_t axis, bool keepsDim, size_t output) {
  Value x = lowering.emitter.real(lowering.input(node, 0));
  axis += axis < 0 ? int64_t(x.rank()) : 0;
  if (axis < 0 || axis >= int64_t(x.rank()) ||
      x.extent(size_t(axis)) == batchExtent) {
    return Refusal{"axis", "it is out of range, or that of the images", ""};
  }
  const auto dim = size_t(axis);
  const int64_t extent = x.extent(dim);
  if (x.constant || extent < 2 || extent > 65536) {
    return Refusal{"data", "it has not 2 to 65536 elements to choose from", ""};
  }
  Emitter &emitter = lowering.emitter;
  x = emitter.stored(emitter.flat(x, node.inputs[0]), node.inputs[0]);
  const Value most = emitter.assign(
      reduced(x, dim, "max",
              [read = x.read](const Subscripts &all, const Subscript &) {
                return read(all);
              }),
      node.name + "_max");
  std::vector<int64_t> numbers;
  for (int64_t i = 0; i < extent; ++i) {
    numbers.push_back(extent - i);
  }
  const std::string table = emitter.program.addIntegers(
      node.name + ".countdown", numbers, {extent}, narrowestType(numbers));
  const size_t place = x.firstFactor(dim);
  Value result = reduced(x, dim, "max",
                         [=, read = x.read, mostRead = most.read](
                             const Subscripts &all, const Subscript &k) {
                           Subscripts outer = all;
                           outer.erase(outer.begin() + int64_t(place));
                           return (read(all) >= mostRead(outer)) *
                                  Expression::element(table, {k.text()});
                         });
  result.read = [extent, read = result.read](const Subscripts &subscripts) {
    return Expression(extent) - read(subscripts);
  };
  result.isInteger = true;
  result.isOdd = false;
  result.lowest = 0;
  result.highest = extent;
  if (!keepsDim) {
    Extents shape = result.shape();
    shape.erase(shape.begin() + axis);
    result = *reshape(result, shape);
  }
  lowering.define(node, std::move(result), output);
  return std::nullopt;
}

static Outcome lowerArgMax(Lowering &lowering, const Node &node) {
  if (node.integer("select_last_index", 0) != 0) {
    return Refusal{"select_last_index", "the first of equal elements is taken",
                   ""};
  }
  return lowerArgMaxAlong(lowering, node, node.integer("axis", 0),
                          node.integer("keepdims", 1) != 0, 0);
}

static Outcome lowerTopK(Lowering &lowering, const Node &node) {
  const std::optional<Constant> given = lowering.constantInput(node, 1);
  const int64_t k = given && given->count() == 1 ? int64_t(given->values[0])
                                                 : node.integer("k", 0);
  if (k != 1 || node.integer("largest", 1) != 1) {
    return Refusal{"k", "only the greatest element is supported", ""};
  }
  if (lowering.uses(node.outputs[0]) != 0 || node.outputs.size() < 2) {
    return Refusal{"Values", "only the place of the element is supported", ""};
  }
  return lowerArgMaxAlong(lowering, node, node.integer("axis", -1), true, 1);
}

std::span<const Rule> selectionRules() {
  static constexpr Rule rules[] = {
      {"ArgMax", lowerArgMax, "axis keepdims select_last_index"},
      {"TopK", lowerTopK, "axis k largest sorted"},
  };
  return rules;
}

} // namespace lpgen::importer::onnx
