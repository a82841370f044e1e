// SOFTMAX. That of 8 bits is as TFLite computes it: exponentials from a table,
// float sums, one rounding; that of 16 bits has integers only.
#include "networks/import/tflite/Interpolation.h"
#include <cmath>

namespace lpgen::importer::tflite {

/// exp(beta * (x - greatest x)) over the sum of these, in float.
static Outcome importFloatSoftmax(Importer &importer, const TfliteOperator &op,
                                  float beta) {
  using builder::Expression;
  const ImportedTensor x = importer.operand(op, 0);
  const std::vector<std::string> each = indexNames(x.shape.size());
  const std::vector<std::string> outer(each.begin(), each.end() - 1);
  const std::vector<std::string> inner = {each.back()};
  Program &program = importer.program();
  const auto element = [](const std::string &name,
                          const std::vector<std::string> &indices) {
    return indices.empty() ? Expression::scalar(name)
                           : Expression::element(name, indices);
  };
  const auto assign = [&](const char *what,
                          const std::vector<std::string> &indices,
                          const Expression &value) {
    const std::string name =
        program.names.make(importer.constantName(op, what));
    program.assign(element(name, indices).text(), value);
    return element(name, indices);
  };
  const Expression value = element(x.name, each);
  const Expression most =
      assign("max", outer, Expression::reduction("max", inner, value));
  const Expression difference = value - most;
  const Expression power =
      assign("exp", each,
             Expression::call(
                 "exp", {beta == 1 ? difference
                                   : difference * Expression::real(beta)}));
  const Expression total =
      assign("total", outer, Expression::reduction("sum", inner, power));
  program.assign(importer.defineElements(op, 0, x.type, x.shape),
                 power / total);
  importer.addLayer(op, {});
  return imported;
}

/// Exponentials of differences from 0 to -10, and the inverse of their sum,
/// from tables.
static Outcome importShortSoftmax(Importer &importer, const TfliteOperator &op,
                                  float beta) {
  const ImportedTensor x = importer.operand(op, 0);
  const std::optional<Affine> result = importer.outputAffine(op);
  if (!result || result->zeroPoint != 0 || !isPowerOfTwo(result->scale, -15)) {
    return Refusal{"quantization",
                   "of INT16 it needs a result in steps of 1/32768 from 0"};
  }
  constexpr int64_t mostChannels = 65536; // Their sum has 31 bits.
  if (x.channels() > mostChannels) {
    return Refusal{"input", "it has more than 65536 channels"};
  }
  const Multiplier steps = quantizeMultiplier(double(x.affine.scale) *
                                              double(beta) / (10.0 / 65535.0));
  constexpr ElementType s16 = {Encoding::Signed, 16};
  Program &program = importer.program();
  const std::string exponentials = program.addIntegers(
      importer.constantName(op, "exps"),
      tableBetween(-10, 0, [](float value) { return std::exp(value); }), {513},
      s16);
  const std::string inverses = program.addIntegers(
      importer.constantName(op, "inverses"),
      tableBetween(0, 1, [](float value) { return 1.0F / (1.0F + value); }),
      {513}, s16);
  Parameters parameters;
  parameters.add("F", steps.factor, 0).add("G", steps.shift, 0);
  const std::string target = importer.define(op, 0, x.type, x.shape);
  importer.call(target,
                x.shape.size() == 4 ? "tflite_softmax16_image"
                                    : "tflite_softmax16",
                parameters.text(), {x.name, exponentials, inverses});
  importer.addLayer(op, {.declaredInputBits = 16, .usedInputBits = 16});
  return imported;
}

/// Exponentials from a table of all differences.
static Outcome importByteSoftmax(Importer &importer, const TfliteOperator &op,
                                 float beta) {
  const ImportedTensor x = importer.operand(op, 0);
  const std::optional<Affine> result = importer.outputAffine(op);
  constexpr float steps = 256;
  if (!result || result->scale * steps != 1 || result->zeroPoint != -128) {
    return Refusal{"quantization",
                   "the result needs steps of 1/256 from the least value on"};
  }
  const float scale = -x.affine.scale * beta;
  if (!std::isfinite(scale)) {
    return Refusal{"beta", "it is too large for the scale of the input"};
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
  importer.call(target,
                x.shape.size() == 4 ? "tflite_softmax_image" : "tflite_softmax",
                "", {x.name, table});
  importer.addLayer(op, {.declaredInputBits = 8, .usedInputBits = 8});
  return imported;
}

Outcome importSoftmax(Importer &importer, const TfliteOperator &op) {
  if (!importer.hasOperand(op, 0)) {
    return Refusal{"input", "it is a constant"};
  }
  const ImportedTensor x = importer.operand(op, 0);
  const float beta = op.options ? op.options->number<float>(0) : 0;
  if (!(beta > 0) || !std::isfinite(beta)) {
    return Refusal{"beta", "it is no positive number"};
  }
  if (importer.outputType(op) != x.type) {
    return Refusal{"input", "its input and its output have different types"};
  }
  if (importer.batch() == Batch::Any && x.shape.size() == 1) {
    return Refusal{"input", "it takes images together", "", true};
  }
  if (x.isFloat()) {
    return importFloatSoftmax(importer, op, beta);
  }
  const size_t rank = x.shape.size();
  const bool isShort = x.type == ElementType{Encoding::Signed, 16};
  if ((!isShort && x.type != ElementType{Encoding::Signed, 8}) ||
      (rank != 2 && rank != 4)) {
    return Refusal{"input", "integers other than INT8, UINT8 and INT16, on two "
                            "or four dimensions, are not supported"};
  }
  return isShort ? importShortSoftmax(importer, op, beta)
                 : importByteSoftmax(importer, op, beta);
}

} // namespace lpgen::importer::tflite
