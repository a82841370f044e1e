// What operators that move elements have in common.
#ifndef LPGEN_NETWORKS_IMPORT_ONNX_MOVEMENT_H
#define LPGEN_NETWORKS_IMPORT_ONNX_MOVEMENT_H

#include "networks/import/onnx/Lowering.h"

namespace lpgen::importer::onnx {

/// The dimension of an axis, which counts from the end if it is negative.
std::optional<size_t> dimOf(int64_t axis, size_t rank);
/// Without scales of single channels, so that every element is like the others.
Value movable(Lowering &lowering, const Value &value);
/// Gives the one scale of all elements the rank of the value.
Value withUniformGrid(Value value);

} // namespace lpgen::importer::onnx

#endif // LPGEN_NETWORKS_IMPORT_ONNX_MOVEMENT_H
