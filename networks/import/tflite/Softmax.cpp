// SOFTMAX of 8 bits, as TFLite computes it: exponentials from a table, float
// sums, one rounding.
#include "networks/import/tflite/Importer.h"
#include <cmath>

namespace lpgen::importer::tflite {

Outcome importSoftmax(Importer &importer, const TfliteOperator &op) {
  if (isFloatNode(importer, op)) {
    return Refusal{"input", "on FLOAT32 it is not supported", "quantize it"};
  }
  if (!importer.hasOperand(op, 0)) {
    return Refusal{"input", "it is a constant"};
  }
  const ImportedTensor x = importer.operand(op, 0);
  const bool isSmall = x.type == ElementType{Encoding::Signed, 8};
  if (!isSmall || x.shape.size() != 2 || importer.outputType(op) != x.type) {
    return Refusal{"input", "types other than INT8 and UINT8, and other "
                            "numbers of dimensions than 2, are not supported"};
  }
  const std::optional<Affine> result = importer.outputAffine(op);
  constexpr float steps = 256;
  if (!result || result->scale * steps != 1 || result->zeroPoint != -128) {
    return Refusal{"quantization",
                   "the result needs steps of 1/256 from the least value on"};
  }
  const float beta = op.options ? op.options->number<float>(0) : 0;
  const float scale = -x.affine.scale * beta;
  if (!(beta > 0) || !std::isfinite(scale)) {
    return Refusal{"beta", "it is no positive number"};
  }
  constexpr int differences = 256;
  std::vector<float> exponentials(differences);
  for (int d = 0; d < differences; ++d) {
    exponentials[size_t(differences - 1 - d)] =
        static_cast<float>(std::exp(double(scale * float(d))));
  }
  const std::string table = importer.program().addFloats(
      importer.constantName(op, "exps"), exponentials, {differences});
  const std::string target = importer.define(op, 0, x.type, x.shape);
  importer.call(target, "tflite_softmax", "", {x.name, table});
  importer.addLayer(op, {.declaredInputBits = 8, .usedInputBits = 8});
  return imported;
}

} // namespace lpgen::importer::tflite
