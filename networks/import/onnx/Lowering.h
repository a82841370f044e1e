// Turns the nodes of an ONNX graph into statements, one after the other. Each
// family of operators has a file with its rules.
//
// Integers in tensors of floats, behind a quantizer of scale 1 or a count of
// thresholds, are computed as integers; binary32 would be the same up to 2^24.
#ifndef LPGEN_NETWORKS_IMPORT_ONNX_LOWERING_H
#define LPGEN_NETWORKS_IMPORT_ONNX_LOWERING_H

#include "networks/import/Emitter.h"
#include "networks/import/ImportOptions.h"
#include "networks/import/onnx/ElementTypes.h"
#include "networks/import/onnx/Model.h"

namespace lpgen::importer::onnx {

/// Why a node cannot be imported.
struct Refusal {
  std::string attribute; ///< Or input, or "".
  std::string reason;
  std::string remedy;
};
/// Nothing if the node was taken.
using Outcome = std::optional<Refusal>;

class Lowering {
public:
  Lowering(const Model &model, Program &program, const ImportOptions &options)
      : emitter(program), model(model), options(options),
        integers(tensorsOfIntegers(model)) {}
  /// Lowers all nodes; what is not supported is in the program's report.
  void run();
  /// After run: the tensors whose numbers are known, those that no run changes.
  std::map<std::string, Constant> known();

  Emitter emitter;
  const Model &model;

  const Value &input(const Node &node, size_t i) const {
    return values.at(node.inputs[i]);
  }
  /// The elements of an input are integers in the file, not integers in a
  /// tensor of floats.
  bool isOfIntegers(const Node &node, size_t i) const {
    return node.hasInput(i) && integers.contains(node.inputs[i]);
  }
  /// The numbers of an input; nothing if they are not known.
  std::optional<Constant> constantInput(const Node &node, size_t i);
  /// The user wants x in binary32 where it could be quantized in groups.
  bool hasFloatActivations() const { return options.hasFloatActivations; }
  /// The output of a node; one that cannot be is reported.
  void define(const Node &node, Value value, size_t output = 0);
  /// A value whose elements are read several times, stored if they cost much.
  Value shared(const Node &node, const Value &value);
  void defineConstant(const Node &node, Constant constant);
  unsigned uses(const std::string &tensor) const {
    const auto found = readers.find(tensor);
    return found == readers.end() ? 0 : unsigned(found->second.size());
  }
  /// A node reads the output, or it is one of the network.
  bool isRead(const Node &node, size_t output) const;
  /// The only node that reads the tensor, or null.
  const Node *onlyReader(const std::string &tensor) const {
    return uses(tensor) == 1 ? readers.at(tensor).front() : nullptr;
  }
  void note(const Node &node, const std::string &text);
  /// What the operator of that name, with the node's attributes, makes of a
  /// value.
  Outcome lowerInner(const Node &node, const std::string &operation,
                     const Value &value, Value &result);

private:
  void lowerInputs();
  void lowerOutputs();
  void lower(const Node &node);
  Outcome lowerKnown(const Node &node);
  Outcome lowerChannelsLast(const Node &node);
  void checkNode(const Node &node, const char *attributes);

  const ImportOptions &options;
  const std::set<std::string> integers; ///< Tensors whose elements they are.
  std::map<std::string, Value> values;
  std::map<std::string, std::vector<const Node *>> readers;
  std::set<std::string> lost; ///< Made by nodes that were refused.
  std::set<std::string> noted;
  int64_t foldedElements = 0;
};

/// How an operator is lowered; `attributes` are those that the rule reads, with
/// spaces between.
struct Rule {
  const char *operation;
  Outcome (*lower)(Lowering &, const Node &);
  const char *attributes;
  size_t inputs = 1; ///< At least.
};
std::span<const Rule> elementwiseRules();
std::span<const Rule> activationRules();
std::span<const Rule> conditionRules();
std::span<const Rule> quantizerRules();
std::span<const Rule> linearQuantizerRules();
std::span<const Rule> thresholdRules();
std::span<const Rule> productRules();
std::span<const Rule> matMulRules();
std::span<const Rule> blockProductRules();
std::span<const Rule> poolRules();
std::span<const Rule> reductionRules();
std::span<const Rule> softmaxRules();
std::span<const Rule> shapeRules();
std::span<const Rule> sliceRules();
std::span<const Rule> movementRules();
std::span<const Rule> repeatingRules();
std::span<const Rule> foldingRules();
std::span<const Rule> integerRules();
std::span<const Rule> requantizationRules();
std::span<const Rule> selectionRules();
std::span<const Rule> runningRules();

/// The result of an operator on known numbers; nothing if it is not one that is
/// folded.
std::optional<Constant> fold(const Node &node,
                             std::span<const Constant> inputs);

// What several families need.

/// The values with one dimension each, from the left; scalars stay.
Outcome notBroadcast();
/// A constant [C] with its dimension at `dim` of `rank`.
Constant alongDim(const Constant &constant, size_t dim, size_t rank);

/// The parts, one behind the other along a dimension.
Outcome concatenate(Lowering &lowering, const Node &node,
                    std::vector<Value> parts, size_t dim, Value &result);

} // namespace lpgen::importer::onnx

#endif // LPGEN_NETWORKS_IMPORT_ONNX_LOWERING_H
