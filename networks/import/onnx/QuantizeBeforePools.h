// Changes of the graph before it is lowered.
#ifndef LPGEN_NETWORKS_IMPORT_ONNX_QUANTIZEBEFOREPOOLS_H
#define LPGEN_NETWORKS_IMPORT_ONNX_QUANTIZEBEFOREPOOLS_H

#include "networks/import/onnx/Model.h"

namespace lpgen::importer::onnx {

/// A maximum of floats that only a quantizer reads becomes one of codes: what
/// rounds does not change the order, and codes are small.
void quantizeBeforePools(Model &model);

/// Parts of floats that are joined, moved and then quantized are quantized one
/// by one, each where it is made, and codes are joined.
void quantizeBeforeConcat(Model &model);

} // namespace lpgen::importer::onnx

#endif // LPGEN_NETWORKS_IMPORT_ONNX_QUANTIZEBEFOREPOOLS_H
