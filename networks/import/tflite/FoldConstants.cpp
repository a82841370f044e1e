// DEQUANTIZE of constants, as files with weights of 16 bits have it: what
// follows sees constants of FLOAT32.
#include "base/types/Scalar.h"
#include "networks/import/tflite/TfliteModel.h"
#include <cstring>

namespace lpgen::importer::tflite {

void foldConstants(TfliteModel &model) {
  // Nodes can share a constant: the work is bounded by the file.
  size_t left = 8 * model.fileBytes;
  std::vector<TfliteOperator> kept;
  for (TfliteOperator &op : model.operators) {
    const TfliteTensor *from =
        op.is(Builtin::Dequantize) && op.inputs.size() == 1 && op.inputs[0] >= 0
            ? &model.tensors[size_t(op.inputs[0])]
            : nullptr;
    const bool isHalf = from != nullptr && from->isConstant() &&
                        !from->isSparse && from->type == TensorType::Float16 &&
                        from->data.size() <= left;
    TfliteTensor &to = model.tensors[size_t(op.outputs[0])];
    if (!isHalf || to.isConstant()) {
      kept.push_back(std::move(op));
      continue;
    }
    left -= from->data.size();
    std::vector<float> values(from->data.size() / sizeof(uint16_t));
    for (size_t i = 0; i < values.size(); ++i) {
      uint16_t half;
      std::memcpy(&half, from->data.data() + i * sizeof(half), sizeof(half));
      values[i] = scalar::halfToFloat(half);
    }
    to.type = TensorType::Float32;
    to.shape = from->shape;
    to.data =
        std::as_bytes(std::span(model.folded.emplace_back(std::move(values))));
  }
  model.operators = std::move(kept);
}

} // namespace lpgen::importer::tflite
