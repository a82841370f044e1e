// Tensors of an ONNX file as numbers.
#ifndef LPGEN_NETWORKS_IMPORT_ONNX_TENSORS_H
#define LPGEN_NETWORKS_IMPORT_ONNX_TENSORS_H

#include "base/system/Status.h"
#include "networks/import/Constant.h"
#include <string>

namespace onnx {
class TensorProto;
} // namespace onnx

namespace lpgen::importer::onnx {

/// The numbers, wherever the file keeps them; data of other files only from
/// `folder`. The message of an error names the tensor.
Result<Constant> readTensor(const ::onnx::TensorProto &tensor,
                            const std::string &folder);

} // namespace lpgen::importer::onnx

#endif // LPGEN_NETWORKS_IMPORT_ONNX_TENSORS_H
