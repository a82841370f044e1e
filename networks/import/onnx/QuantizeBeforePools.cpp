// Finds a pool and its quantizer, and lets them change places.
#include "networks/import/onnx/QuantizeBeforePools.h"
#include <algorithm>
#include <array>

namespace lpgen::importer::onnx {

static bool isQuantizer(const Node &node) {
  static constexpr std::array<std::string_view, 4> names = {
      "Quant", "IntQuant", "BipolarQuant", "QuantizeLinear"};
  return std::ranges::find(names, node.operation) != names.end();
}

/// True if all but the first input are known, one number each, and the first of
/// them, the scale, is positive: larger elements have no smaller codes.
static bool keepsOrder(const Model &model, const Node &quantizer) {
  for (size_t i = 1; i < quantizer.inputs.size(); ++i) {
    const auto known = model.constants.find(quantizer.inputs[i]);
    if (known == model.constants.end() || known->second.count() != 1 ||
        (i == 1 && !(known->second.values.front() > 0))) {
      return false;
    }
  }
  return quantizer.inputs.size() > 1 && quantizer.outputs.size() == 1;
}

static bool isOutput(const Model &model, const std::string &tensor) {
  return std::ranges::any_of(model.outputs, [&](const GraphTensor &output) {
    return output.name == tensor;
  });
}

/// The node that reads the tensor if no other does, else the end.
static size_t onlyReader(const Model &model, const std::string &tensor) {
  size_t reader = model.nodes.size();
  for (size_t i = 0; i < model.nodes.size(); ++i) {
    for (const std::string &input : model.nodes[i].inputs) {
      if (input == tensor && std::exchange(reader, i) != model.nodes.size()) {
        return model.nodes.size();
      }
    }
  }
  return reader;
}

/// True if the tensor holds codes, or the numbers that they stand for.
static bool isOfCodes(const Model &model, const std::string &tensor) {
  return std::ranges::any_of(model.nodes, [&](const Node &node) {
    return (isQuantizer(node) || node.operation == "DequantizeLinear") &&
           std::ranges::find(node.outputs, tensor) != node.outputs.end();
  });
}

void quantizeBeforePools(Model &model) {
  for (size_t i = 0; i < model.nodes.size(); ++i) {
    Node &pool = model.nodes[i];
    if (pool.operation != "MaxPool" || pool.inputs.size() != 1 ||
        pool.outputs.size() != 1 || isOutput(model, pool.outputs[0]) ||
        isOfCodes(model, pool.inputs[0])) {
      continue;
    }
    const size_t reader = onlyReader(model, pool.outputs[0]);
    if (reader == model.nodes.size() || !isQuantizer(model.nodes[reader]) ||
        model.nodes[reader].inputs[0] != pool.outputs[0] ||
        !keepsOrder(model, model.nodes[reader])) {
      continue;
    }
    // x -> pool -> p -> quantizer -> q becomes x -> quantizer -> p -> pool ->
    // q.
    Node quantizer = std::move(model.nodes[reader]);
    quantizer.inputs[0] = std::exchange(pool.inputs[0], pool.outputs[0]);
    std::swap(quantizer.outputs[0], pool.outputs[0]);
    model.nodes.erase(model.nodes.begin() + int64_t(reader));
    model.nodes.insert(model.nodes.begin() + int64_t(i), std::move(quantizer));
    ++i; // The pool stands there now.
  }
}

} // namespace lpgen::importer::onnx
