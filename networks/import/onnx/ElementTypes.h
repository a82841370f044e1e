// Which tensors of a file have integers for elements, as opposed to integers
// in tensors of floats.
#ifndef LPGEN_NETWORKS_IMPORT_ONNX_ELEMENTTYPES_H
#define LPGEN_NETWORKS_IMPORT_ONNX_ELEMENTTYPES_H

#include "networks/import/onnx/Model.h"

namespace lpgen::importer::onnx {

std::set<std::string> tensorsOfIntegers(const Model &model);

} // namespace lpgen::importer::onnx

#endif // LPGEN_NETWORKS_IMPORT_ONNX_ELEMENTTYPES_H
