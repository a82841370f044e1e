// Node by node.
#include "networks/import/onnx/Lowering.h"
#include "base/system/Text.h"
#include <algorithm>
#include <array>
#include <iterator>
#include <sstream>

namespace lpgen::importer::onnx {

/// Domains whose operators are those of the same name. Files need not list
/// them among the imports.
static constexpr std::string_view knownDomains[] = {
    "",
    "ai.onnx",
    "onnx.brevitas",
    "finn.custom_op.general",
    "qonnx",
    "qonnx.custom_op.general",
    "qonnx.custom_op.channels_last",
    "com.microsoft",
    "PACTOps",
};
static constexpr std::string_view channelsLastDomain =
    "qonnx.custom_op.channels_last";

namespace {
struct Family {
  std::span<const Rule> rules;
  bool takesKnown; ///< The first input can be numbers that are known.
};
struct FoundRule {
  const Rule *rule;
  bool takesKnown;
};
} // namespace

static std::optional<FoundRule> findRule(const std::string &operation) {
  static const std::array<Family, 21> all = {
      {{elementwiseRules(), true},     {conditionRules(), true},
       {matMulRules(), true},          {repeatingRules(), true},
       {activationRules(), true},      {quantizerRules(), true},
       {linearQuantizerRules(), true}, {shapeRules(), true},
       {sliceRules(), true},           {foldingRules(), true},
       {thresholdRules(), false},      {productRules(), false},
       {blockProductRules(), false},   {poolRules(), false},
       {reductionRules(), false},      {softmaxRules(), false},
       {movementRules(), false},       {integerRules(), false},
       {requantizationRules(), false}, {selectionRules(), false},
       {runningRules(), false}}};
  for (const Family &family : all) {
    for (const Rule &rule : family.rules) {
      if (operation == rule.operation) {
        return FoundRule{&rule, family.takesKnown};
      }
    }
  }
  return std::nullopt;
}

Outcome notBroadcast() {
  return Refusal{"", "the shapes of its inputs do not go together", ""};
}

Constant alongDim(const Constant &constant, size_t dim, size_t rank) {
  if (constant.count() == 1) {
    return constant.reshaped({});
  }
  Extents shape(rank - dim, 1);
  shape[0] = constant.count();
  return constant.reshaped(shape);
}

std::optional<Constant> Lowering::constantInput(const Node &node, size_t i) {
  if (!node.hasInput(i)) {
    return std::nullopt;
  }
  Value value = emitter.real(input(node, i));
  return value.constant;
}

std::map<std::string, Constant> Lowering::known() {
  std::map<std::string, Constant> numbers;
  for (const auto &[name, value] : values) {
    if (value.constant) {
      if (Value real = emitter.real(value); real.constant) {
        numbers[name] = std::move(*real.constant);
      }
    }
  }
  return numbers;
}

/// What may be computed again where an element is read twice.
static constexpr unsigned cheapOperations = 3;

Value Lowering::shared(const Node &node, const Value &value) {
  return value.constant || !value.tensor.empty() ||
                 value.operations <= cheapOperations
             ? value
             : emitter.store(value, node.name + "_input", value.order);
}

bool Lowering::isRead(const Node &node, size_t output) const {
  if (output >= node.outputs.size() || node.outputs[output].empty()) {
    return false;
  }
  const std::string &name = node.outputs[output];
  return uses(name) > 0 ||
         std::ranges::any_of(model.outputs, [&](const GraphTensor &tensor) {
           return tensor.name == name;
         });
}

void Lowering::define(const Node &node, Value value, size_t output) {
  if (output >= node.outputs.size() || node.outputs[output].empty()) {
    return;
  }
  const std::string &name = node.outputs[output];
  constexpr size_t mostDimensions = 8;
  constexpr int64_t mostElements = int64_t{1} << 40;
  const Extents shape = value.shape();
  const int64_t count = elementCount(shape);
  const bool hasGrid = !value.quantization ||
                       (broadcastsTo(value.quantization->scale.shape, shape) &&
                        broadcastsTo(value.quantization->zero.shape, shape));
  if (shape.size() > mostDimensions || count > mostElements || !hasGrid ||
      (count < 1 && !value.constant)) {
    emitter.program.refuse({node.name, node.fullName(), name,
                            hasGrid ? "it has no elements, too many, or more "
                                      "than 8 dimensions"
                                    : "its scale or zero point does not fit it",
                            ""});
    lost.insert(name);
    return;
  }
  // Elements that cost much are computed once, and texts have an end.
  constexpr unsigned mostOperations = 40;
  constexpr unsigned mostLayers = 60;
  if (!value.constant && value.tensor.empty() &&
      ((value.operations > cheapOperations && uses(name) > 1) ||
       value.operations > mostOperations || value.layers > mostLayers)) {
    value = emitter.store(value, name, value.order);
  }
  if (value.constant && value.constant->name.empty()) {
    value.constant->name = name;
  }
  values[name] = std::move(value);
}

void Lowering::defineConstant(const Node &node, Constant constant) {
  constant.name = node.outputs.front();
  define(node, constantValue(std::move(constant)));
}

void Lowering::note(const Node &node, const std::string &text) {
  if (noted.insert(node.operation + text).second) {
    emitter.program.note("node " + quotedForMessage(node.name) + " (" +
                         node.fullName() + "): " + text);
  }
}

/// The integers that a datatype of FINN names: UINT8, INT4, BINARY.
static std::optional<ElementType> finnType(const std::string &name) {
  if (name == "BINARY") {
    return ElementType{Encoding::Unsigned, 1};
  }
  if (name == "BIPOLAR") {
    return ElementType{Encoding::Bipolar, 1};
  }
  if (name == "TERNARY") {
    return ElementType{Encoding::Ternary, 2};
  }
  const bool isUnsigned = name.starts_with("UINT");
  if (isUnsigned || name.starts_with("INT")) {
    return ElementType::parse((isUnsigned ? "u" : "s") +
                              name.substr(isUnsigned ? 4 : 3));
  }
  return std::nullopt;
}

/// What the network takes and gives in place of a type of floats.
static ElementType floatType(const DataTypeInfo *type) {
  return type && type->type == DataType::Float16
             ? ElementType{Encoding::Float, 16}
         : type && type->type == DataType::BFloat16
             ? ElementType{Encoding::Brain, 16}
             : ElementType{Encoding::Float, 32};
}

void Lowering::lowerInputs() {
  for (const auto &[name, constant] : model.constants) {
    values[name] = constantValue(constant);
  }
  for (const GraphTensor &tensor : model.inputs) {
    const DataTypeInfo *type = findDataType(tensor.type);
    Program &program = emitter.program;
    if (!type || !tensor.shape) {
      program.refuse({tensor.name, "input", type ? "shape" : "type",
                      type ? "the file does not say it"
                           : "elements of the type with code " +
                                 std::to_string(tensor.type) +
                                 " are not supported",
                      "export the model with typed inputs of known shape"});
      lost.insert(tensor.name);
      continue;
    }
    constexpr int64_t mostElements = int64_t{1} << 31;
    if (elementCount(*tensor.shape) > mostElements ||
        tensor.shape->size() > 8) {
      program.refuse({tensor.name, "input", "shape",
                      "it has too many elements or dimensions", ""});
      lost.insert(tensor.name);
      continue;
    }
    for (size_t d = 1; d < tensor.shape->size(); ++d) {
      if ((*tensor.shape)[d] == batchExtent) {
        program.refuse({tensor.name, "input", "shape",
                        "dimension " + std::to_string(d) +
                            " has no number; only the first one may be open",
                        "export the model with fixed sizes of its images"});
        lost.insert(tensor.name);
        return;
      }
    }
    ElementType element = floatType(type);
    const auto annotation = model.finnTypes.find(tensor.name);
    const auto given = options.inputTypes.find(tensor.name);
    if (given != options.inputTypes.end()) {
      element = given->second;
    } else if (type->isInteger) {
      element = {type->isSigned ? Encoding::Signed : Encoding::Unsigned,
                 type->bits};
      if (!type->isSigned && type->bits > 16) {
        element = {Encoding::Signed, 64};
      }
    } else if (annotation != model.finnTypes.end()) {
      element = finnType(annotation->second).value_or(element);
    }
    values[tensor.name] =
        emitter.input(tensor.name, *tensor.shape, element, options.mostImages);
    values[tensor.name].isOdd = element.encoding == Encoding::Bipolar;
  }
}

void Lowering::lowerOutputs() {
  if (model.outputs.empty()) {
    emitter.program.refuse(
        {emitter.program.name(), "network", "", "it has no output", ""});
  }
  for (const GraphTensor &tensor : model.outputs) {
    const auto found = values.find(tensor.name);
    if (lost.contains(tensor.name)) {
      continue;
    }
    if (found == values.end()) {
      emitter.program.refuse(
          {tensor.name, "output", "", "nothing in the file makes it", ""});
      continue;
    }
    Value value = emitter.real(found->second);
    if (value.constant) {
      emitter.program.refuse({tensor.name, "output", "",
                              "it does not depend on the network's inputs",
                              ""});
      continue;
    }
    const DataTypeInfo *type = findDataType(tensor.type);
    const bool isInteger = value.isInteger && type && type->isInteger;
    emitter.output(tensor.name, value,
                   !isInteger ? floatType(type)
                   : type->bits == 64 || !type->isSigned
                       ? storageType(value)
                       : ElementType{Encoding::Signed, type->bits});
  }
}

/// What a rule does not read changes nothing, but is said.
void Lowering::checkNode(const Node &node, const char *attributes) {
  std::istringstream words(attributes);
  const std::set<std::string> known{std::istream_iterator<std::string>{words},
                                    std::istream_iterator<std::string>{}};
  for (const auto &[name, attribute] : node.attributes) {
    if (!known.contains(name)) {
      note(node, "its attribute " + quotedForMessage(name) + " is not used");
    }
  }
  if (std::ranges::find(knownDomains, node.domain) == std::end(knownDomains)) {
    note(node, "taken for the operator of this name that is known, whose "
               "domain is another");
  }
}

/// From [n, spatial..., c] to [n, c, spatial...], and back.
static std::vector<int> toChannelsFirst(size_t rank) {
  std::vector<int> order(rank);
  for (size_t i = 0; i < rank; ++i) {
    order[i] = int(i < 2 ? i * (rank - 1) : i - 1);
  }
  return order;
}

/// Images with channels last, weights as ever.
Outcome Lowering::lowerChannelsLast(const Node &node) {
  Node inner = node;
  inner.attributes["channels_last"].integer = 0;
  inner.inputs[0] += ".channelsFirst";
  const Value &images = input(node, 0);
  values[inner.inputs[0]] = transpose(images, toChannelsFirst(images.rank()));
  const Outcome outcome = lowerKnown(inner);
  const auto made = values.find(node.outputs[0]);
  if (!outcome && made != values.end()) {
    made->second = transpose(made->second, channelsLast(made->second.rank()));
  }
  return outcome;
}

Outcome Lowering::lowerKnown(const Node &node) {
  const std::optional<FoundRule> found = findRule(node.operation);
  if (!found) {
    return Refusal{"", "the operator is not supported",
                   "replace it by others before export"};
  }
  const Rule *rule = found->rule;
  if (node.inputs.size() < rule->inputs) {
    return Refusal{"",
                   "it has " + std::to_string(node.inputs.size()) +
                       " inputs, needed are " + std::to_string(rule->inputs),
                   ""};
  }
  // Texts of all inputs have an end, too.
  constexpr size_t mostInputs = 128;
  if (node.inputs.size() > mostInputs) {
    return Refusal{"",
                   "it has " + std::to_string(node.inputs.size()) +
                       " inputs, at most " + std::to_string(mostInputs) +
                       " are supported",
                   "split it into several nodes"};
  }
  for (size_t i = 0; i < rule->inputs; ++i) {
    if (node.inputs[i].empty()) {
      return Refusal{"input " + std::to_string(i), "it is left out", ""};
    }
  }
  if (node.outputs.empty()) {
    return Refusal{"", "it has no output", ""};
  }
  if (!found->takesKnown && input(node, 0).constant) {
    Node inner = node;
    inner.inputs[0] += ".elements";
    values[inner.inputs[0]] = emitter.readable(input(node, 0));
    return lowerKnown(inner);
  }
  if (node.integer("channels_last", 0) != 0 &&
      node.domain != channelsLastDomain && input(node, 0).rank() > 2) {
    return lowerChannelsLast(node);
  }
  checkNode(node, rule->attributes);
  if (node.domain != channelsLastDomain) {
    return rule->lower(*this, node);
  }
  // Images and weights, then the result.
  for (size_t i = 0; i < std::min<size_t>(node.inputs.size(), 2); ++i) {
    Value &value = values[node.inputs[i]];
    if (value.rank() > 2) {
      const std::string moved = node.inputs[i] + ".channelsFirst";
      values[moved] = transpose(value, toChannelsFirst(value.rank()));
      Node inner = node;
      inner.inputs[i] = moved;
      inner.domain =
          i == 1 || node.inputs.size() < 2 || values[node.inputs[1]].rank() <= 2
              ? ""
              : node.domain;
      if (!inner.domain.empty()) {
        continue;
      }
      inner.inputs[0] = node.inputs[0] + ".channelsFirst";
      const Outcome outcome = rule->lower(*this, inner);
      if (!outcome) {
        if (!values.contains(node.outputs[0])) {
          return outcome;
        }
        Value &result = values[node.outputs[0]];
        result = transpose(result, channelsLast(result.rank()));
      }
      return outcome;
    }
  }
  return rule->lower(*this, node);
}

Outcome Lowering::lowerInner(const Node &node, const std::string &operation,
                             const Value &value, Value &result) {
  const std::optional<FoundRule> found = findRule(operation);
  if (!found) {
    return Refusal{"", "the operator is not supported", ""};
  }
  Node inner = node;
  inner.operation = operation;
  inner.inputs = {node.name + ".input"};
  inner.outputs = {node.name + ".output"};
  values[inner.inputs[0]] = value;
  const Outcome refusal = found->rule->lower(*this, inner);
  if (!refusal) {
    result = values.at(inner.outputs[0]);
  }
  return refusal;
}

void Lowering::lower(const Node &node) {
  if (std::ranges::any_of(node.inputs, [&](const std::string &name) {
        return lost.contains(name);
      })) {
    lost.insert(node.outputs.begin(), node.outputs.end());
    return;
  }
  std::vector<Constant> known;
  for (const std::string &name : node.inputs) {
    if (!name.empty() && values.at(name).constant &&
        !values.at(name).quantization) {
      known.push_back(*values.at(name).constant);
    }
  }
  // A small file must not keep us busy for hours.
  constexpr int64_t mostFolded = int64_t{1} << 28;
  if (!node.inputs.empty() && !node.outputs.empty() &&
      known.size() == node.inputs.size() && foldedElements < mostFolded) {
    if (std::optional<Constant> result = fold(node, known)) {
      foldedElements += 1 + result->count();
      defineConstant(node, std::move(*result));
      return;
    }
  }
  emitter.program.comment(node.operation + " " + node.name);
  if (const Outcome refusal = lowerKnown(node)) {
    emitter.program.refuse({node.name, node.fullName(), refusal->attribute,
                            refusal->reason, refusal->remedy});
    lost.insert(node.outputs.begin(), node.outputs.end());
  }
  for (const std::string &output : node.outputs) {
    if (!output.empty() && !values.contains(output)) {
      lost.insert(output);
    }
  }
}

/// The nodes on which an output depends, in their order.
static std::vector<const Node *> nodesOfOutputs(const Model &model) {
  std::set<std::string> needed;
  for (const GraphTensor &tensor : model.outputs) {
    needed.insert(tensor.name);
  }
  std::vector<const Node *> nodes;
  for (size_t i = model.nodes.size(); i-- > 0;) {
    const Node &node = model.nodes[i];
    const bool isNeeded =
        std::ranges::any_of(node.outputs, [&](const std::string &output) {
          return !output.empty() && needed.contains(output);
        });
    // One without outputs is broken, which is said where it is lowered.
    if (isNeeded || node.outputs.empty()) {
      needed.insert(node.inputs.begin(), node.inputs.end());
      nodes.push_back(&node);
    }
  }
  std::ranges::reverse(nodes);
  return nodes;
}

void Lowering::run() {
  const std::vector<const Node *> nodes = nodesOfOutputs(model);
  if (nodes.size() < model.nodes.size()) {
    emitter.program.note(std::to_string(model.nodes.size() - nodes.size()) +
                         " nodes are left out, as no output depends on them");
  }
  for (const Node *node : nodes) {
    for (const std::string &name : node->inputs) {
      readers[name].push_back(node);
    }
  }
  lowerInputs();
  for (const Node *node : nodes) {
    lower(*node);
  }
  lowerOutputs();
}

} // namespace lpgen::importer::onnx
