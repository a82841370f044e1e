// From the types of inputs and constants, node by node.
#include "networks/import/onnx/ElementTypes.h"
#include <algorithm>

namespace lpgen::importer::onnx {

static bool isIntegerType(int code) {
  const DataTypeInfo *type = findDataType(code);
  return type && type->isInteger;
}

/// Of a Constant, or of a ConstantOfShape.
static bool hasIntegerValue(const Node &node) {
  return std::ranges::any_of(node.attributes, [](const auto &each) {
    const Attribute &attribute = each.second;
    return attribute.kind == Attribute::Kind::Int ||
           attribute.kind == Attribute::Kind::Ints ||
           (attribute.kind == Attribute::Kind::Tensor &&
            attribute.tensor.isInteger);
  });
}

/// The operators whose results have not the type of their first input.
static std::optional<bool> ownType(const Node &node, size_t output) {
  static const std::set<std::string_view> ofIntegers = {
      "QuantizeLinear", "ArgMax",
      "ArgMin",         "Shape",
      "Size",           "ConvInteger",
      "MatMulInteger",  "QLinearConv",
      "QLinearMatMul",  "DynamicQuantizeLinear"};
  static const std::set<std::string_view> ofFloats = {
      "DequantizeLinear", "Quant", "IntQuant",      "BipolarQuant",
      "FloatQuant",       "Trunc", "MultiThreshold"};
  if (ofIntegers.contains(node.operation)) {
    return true;
  }
  if (ofFloats.contains(node.operation)) {
    return false;
  }
  if (node.operation == "Cast") {
    return isIntegerType(int(node.integer("to", 1)));
  }
  if (node.operation == "Constant" || node.operation == "ConstantOfShape") {
    return hasIntegerValue(node);
  }
  return node.operation == "TopK" && output == 1 ? std::optional(true)
                                                 : std::nullopt;
}

std::set<std::string> tensorsOfIntegers(const Model &model) {
  std::set<std::string> result;
  for (const GraphTensor &input : model.inputs) {
    if (isIntegerType(input.type)) {
      result.insert(input.name);
    }
  }
  for (const auto &[name, constant] : model.constants) {
    if (constant.isInteger) {
      result.insert(name);
    }
  }
  for (const Node &node : model.nodes) {
    const bool isOfIntegers =
        !node.inputs.empty() && result.contains(node.inputs.front());
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      if (ownType(node, i).value_or(isOfIntegers)) {
        result.insert(node.outputs[i]);
      }
    }
  }
  return result;
}

} // namespace lpgen::importer::onnx
