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

/// The elements of a dimension at known places, all of them inside it; it
/// becomes the dimensions of these.
Value gathered(Lowering &lowering, const Node &node, const Value &from,
               size_t dim, const Constant &places);

/// Pad, Resize and Upsample.
Outcome lowerPad(Lowering &lowering, const Node &node);
Outcome lowerResize(Lowering &lowering, const Node &node);

} // namespace lpgen::importer::onnx

#endif // LPGEN_NETWORKS_IMPORT_ONNX_MOVEMENT_H
