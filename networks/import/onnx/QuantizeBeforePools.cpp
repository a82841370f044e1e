// Finds a pool or a Concat and its quantizer, and lets them change places.
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

/// Elements in another order, or in another shape.
static bool isMovement(const Node &node) {
  static constexpr std::array<std::string_view, 6> names = {
      "Reshape", "Transpose", "Flatten", "Squeeze", "Unsqueeze", "Identity"};
  return std::ranges::find(names, node.operation) != names.end() &&
         node.outputs.size() == 1 && !node.inputs.empty();
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

namespace {
/// A quantizer of all that a Concat joins.
struct Joined {
  size_t concat;
  size_t last; ///< The node whose output it reads.
  size_t quantizer;
};
} // namespace

/// The quantizer behind a Concat and nodes that move its elements, all of them
/// read by nothing else.
static std::optional<Joined>
quantizerOf(const Model &model, const Tensors &tensors, size_t concat) {
  Joined joined = {concat, concat, 0};
  for (;;) {
    const Node &last = model.nodes[joined.last];
    if (last.outputs.size() != 1) {
      return std::nullopt;
    }
    const std::optional<size_t> reader = tensors.onlyReader(last.outputs[0]);
    if (!reader || *reader == model.nodes.size() ||
        model.nodes[*reader].inputs[0] != last.outputs[0]) {
      return std::nullopt;
    }
    const Node &next = model.nodes[*reader];
    if (isQuantizer(next)) {
      // What it knows is one number, of any rank.
      joined.quantizer = *reader;
      return keepsOrder(model, next) &&
                     std::ranges::all_of(
                         next.inputs.begin() + 1, next.inputs.end(),
                         [&](const std::string &known) {
                           return model.constants.at(known).shape.size() < 2;
                         })
                 ? std::optional(joined)
                 : std::nullopt;
    }
    if (!isMovement(next)) {
      return std::nullopt;
    }
    joined.last = *reader;
  }
}

void quantizeBeforeConcat(Model &model) {
  const Tensors tensors(model);
  std::map<size_t, std::vector<Node>> before; // what comes before a node
  std::set<size_t> gone;
  for (size_t i = 0; i < model.nodes.size(); ++i) {
    if (model.nodes[i].operation != "Concat") {
      continue;
    }
    const std::optional<Joined> joined = quantizerOf(model, tensors, i);
    const auto isLeftOut = [](const std::string &name) { return name.empty(); };
    if (!joined || std::ranges::any_of(model.nodes[i].inputs, isLeftOut)) {
      continue;
    }
    const Node &quantizer = model.nodes[joined->quantizer];
    for (size_t part = 0; part < model.nodes[i].inputs.size(); ++part) {
      Node own = quantizer;
      own.name += ".part" + std::to_string(part);
      own.inputs[0] = model.nodes[i].inputs[part];
      // No name of a file has this end.
      own.outputs[0] += std::string(".part") + '\0' + std::to_string(part);
      model.nodes[i].inputs[part] = own.outputs[0];
      before[i].push_back(std::move(own));
    }
    model.nodes[joined->last].outputs = quantizer.outputs;
    gone.insert(joined->quantizer);
  }
  std::vector<Node> nodes;
  for (size_t i = 0; i < model.nodes.size(); ++i) {
    std::ranges::move(before[i], std::back_inserter(nodes));
    if (!gone.contains(i)) {
      nodes.push_back(std::move(model.nodes[i]));
    }
  }
  model.nodes = std::move(nodes);
}

} // namespace lpgen::importer::onnx
