// Finds a pool and its quantizer, and lets them change places.
#include "networks/import/onnx/QuantizeBeforePools.h"
#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>

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

namespace {

/// Where the tensors of a model are read.
class Tensors {
public:
  explicit Tensors(const Model &model) {
    for (size_t i = 0; i < model.nodes.size(); ++i) {
      const Node &node = model.nodes[i];
      for (const std::string &input : node.inputs) {
        readers[input].push_back(i);
      }
      if (isQuantizer(node) || node.operation == "DequantizeLinear") {
        ofCodes.insert(node.outputs.begin(), node.outputs.end());
      }
    }
    for (const GraphTensor &output : model.outputs) {
      readers[output.name].push_back(model.nodes.size());
    }
  }

  /// It holds codes, or the numbers that they stand for.
  bool isOfCodes(const std::string &tensor) const {
    return ofCodes.contains(tensor);
  }
  /// The only place where it is read, which is the number of nodes for an
  /// output of the model; nothing if there is another one.
  std::optional<size_t> onlyReader(const std::string &tensor) const {
    const auto found = readers.find(tensor);
    return found == readers.end() || found->second.size() != 1
               ? std::nullopt
               : std::optional(found->second.front());
  }

private:
  std::map<std::string, std::vector<size_t>> readers;
  std::set<std::string> ofCodes;
};

} // namespace

void quantizeBeforePools(Model &model) {
  const Tensors tensors(model);
  // From the end: the quantizer goes before several pools, one after the other.
  for (size_t i = model.nodes.size(); i-- > 0;) {
    Node &pool = model.nodes[i];
    if (pool.operation != "MaxPool" || pool.inputs.size() != 1 ||
        pool.outputs.size() != 1 || tensors.isOfCodes(pool.inputs[0])) {
      continue;
    }
    const std::optional<size_t> reader = tensors.onlyReader(pool.outputs[0]);
    if (!reader || *reader == model.nodes.size()) {
      continue;
    }
    Node &quantizer = model.nodes[*reader];
    if (!isQuantizer(quantizer) || quantizer.inputs[0] != pool.outputs[0] ||
        !keepsOrder(model, quantizer)) {
      continue;
    }
    // x -> pool -> p -> quantizer -> q becomes x -> quantizer -> p -> pool ->
    // q: tensors stay where they are read, and what a place computes changes.
    std::swap(pool, quantizer);
    std::swap(pool.inputs[0], quantizer.inputs[0]);
    std::swap(pool.outputs[0], quantizer.outputs[0]);
  }
}

} // namespace lpgen::importer::onnx
