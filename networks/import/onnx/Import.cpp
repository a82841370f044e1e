// Bytes to graph to program.
#include "networks/import/onnx/Import.h"
#include "networks/import/onnx/Lowering.h"
#include "networks/import/onnx/QuantizeBeforePools.h"
#include <algorithm>

namespace lpgen::importer::onnx {

/// What the file is called by those who make it.
static std::string formatOf(const Model &model) {
  const auto has = [&](std::initializer_list<const char *> operations) {
    return std::ranges::any_of(model.nodes, [&](const Node &node) {
      return std::ranges::any_of(operations, [&](const char *operation) {
        return node.operation == operation;
      });
    });
  };
  if (has({"Quant", "IntQuant", "BipolarQuant"})) {
    return "QONNX";
  }
  if (has({"MultiThreshold"})) {
    return "FINN-ONNX";
  }
  if (has({"QLinearConv", "QLinearMatMul", "ConvInteger", "MatMulInteger"})) {
    return "ONNX, QOperator";
  }
  return has({"QuantizeLinear", "DequantizeLinear"}) ? "ONNX, QDQ" : "ONNX";
}

Status importModel(std::span<const std::byte> bytes, const std::string &folder,
                   const ImportOptions &options, Program &program) {
  Result<Model> model = readModel(bytes, folder);
  LPGEN_RETURN_IF_ERROR(model.status());
  program.report.format = formatOf(*model);
  program.report.producer = model->producer;
  for (const auto &[name, type] : options.inputTypes) {
    if (std::ranges::none_of(model->inputs, [&](const GraphTensor &tensor) {
          return tensor.name == name;
        })) {
      return Status::error("it has no input '" + name + "'");
    }
  }
  quantizeBeforePools(*model);
  quantizeBeforeConcat(*model);
  Lowering(*model, program, options).run();
  return Status::success();
}

} // namespace lpgen::importer::onnx
