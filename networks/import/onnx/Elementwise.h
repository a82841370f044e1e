// What operators of one element have in common.
#ifndef LPGEN_NETWORKS_IMPORT_ONNX_ELEMENTWISE_H
#define LPGEN_NETWORKS_IMPORT_ONNX_ELEMENTWISE_H

#include "networks/import/onnx/Lowering.h"

namespace lpgen::importer::onnx {

using Elements = std::span<const builder::Expression>;

/// `operation` of each element.
Value mapped(
    Lowering &lowering, const Value &value,
    const std::function<builder::Expression(const builder::Expression &)>
        &operation);
/// All are integers.
bool areIntegers(const std::vector<Value> &operands);
/// The range of what `combine` makes of two operands of integers, if it fits.
void setRange(Value &value, const std::vector<Value> &operands,
              double (*combine)(double, double));
Outcome lowerDiv(Lowering &lowering, const Node &node);
/// The first two inputs as the numbers that they stand for.
std::vector<Value> realInputs(Lowering &lowering, const Node &node);

} // namespace lpgen::importer::onnx

#endif // LPGEN_NETWORKS_IMPORT_ONNX_ELEMENTWISE_H
