// AVERAGE_POOL_2D, MAX_POOL_2D and MEAN of integers.
#include "networks/import/tflite/Window.h"
#include <algorithm>
#include <bit>

namespace lpgen::importer::tflite {

namespace {
struct Pool {
  Windows windows;
  Parameters parameters;
};
} // namespace

/// Reads what both kinds have in common. Their input and output are of one
/// scale.
static Outcome readPool(Importer &importer, const TfliteOperator &op,
                        Pool &pool) {
  if (!importer.hasOperand(op, 0)) {
    return Refusal{"input", "it is a constant"};
  }
  const ImportedTensor &x = importer.operand(op, 0);
  const std::optional<Affine> result = importer.outputAffine(op);
  if (x.isFloat() || x.shape.size() != 4 || importer.outputType(op) != x.type) {
    return Refusal{"input", "it needs images of integers of one type"};
  }
  if (!result || result->scale != x.affine.scale ||
      result->zeroPoint != x.affine.zeroPoint) {
    return Refusal{"quantization",
                   "its input and its output have different "
                   "scales or zero points",
                   "requantize before it"};
  }
  const int64_t columns = op.options ? op.options->number<int32_t>(3) : 0;
  const int64_t rows = op.options ? op.options->number<int32_t>(4) : 0;
  if (auto refusal =
          readWindows(op, {0, 1, 2, 5}, rows, columns, pool.windows)) {
    return refusal;
  }
  if (auto refusal = checkWindows(pool.windows, x)) {
    return refusal;
  }
  Activation activation = Activation::None;
  if (auto refusal = readActivation(op, 5, activation)) {
    return refusal;
  }
  addBounds(pool.parameters, activation, *result, x.type);
  pool.parameters.add("K", rows, 2)
      .add("L", columns, rows)
      .add("S", pool.windows.rows.stride, rows)
      .add("T", pool.windows.columns.stride, columns);
  return imported;
}

static void finishPool(Importer &importer, const TfliteOperator &op,
                       const Pool &pool, const char *name) {
  const ImportedTensor x = importer.operand(op, 0);
  const std::string target =
      importer.define(op, 0, x.type,
                      {x.shape[0], pool.windows.rows.results(x.shape[1]),
                       pool.windows.columns.results(x.shape[2]), x.shape[3]});
  importer.call(target, name, pool.parameters.text(), {x.name});
  importer.addLayer(
      op, {.declaredInputBits = x.type.bits, .usedInputBits = x.type.bits});
}

Outcome importAveragePool(Importer &importer, const TfliteOperator &op) {
  if (isFloatNode(importer, op)) {
    return importFloatPool(importer, op);
  }
  Pool pool;
  if (auto refusal = readPool(importer, op, pool)) {
    return refusal;
  }
  // Values without sign are rounded as they are in the file.
  const bool isShifted =
      importer.tensor(op.outputs[0]).type == TensorType::UInt8;
  pool.parameters.add("Z", isShifted ? unsignedOffset : 0, 0);
  finishPool(importer, op, pool,
             isPadded(pool.windows, importer.operand(op, 0))
                 ? "tflite_average_pool_same"
                 : "tflite_average_pool");
  return imported;
}

Outcome importMaxPool(Importer &importer, const TfliteOperator &op) {
  if (isFloatNode(importer, op)) {
    return importFloatPool(importer, op);
  }
  Pool pool;
  if (auto refusal = readPool(importer, op, pool)) {
    return refusal;
  }
  pool.parameters.add("SAME", pool.windows.rows.isSame ? 1 : 0, 0);
  finishPool(importer, op, pool, "tflite_max_pool");
  return imported;
}

/// The factor from a sum of `count` values to the result: that of their scales,
/// divided by the count as TFLite does, to as many bits as it has.
static Multiplier meanMultiplier(const Affine &x, const Affine &result,
                                 int64_t count) {
  const Multiplier full =
      quantizeMultiplier(double(x.scale) / double(result.scale));
  const int64_t exponent = 30 - full.shift;
  const int64_t shift = std::min<int64_t>(
      {int64_t(std::bit_width(uint64_t(count))) - 1, 32, 31 + exponent});
  return {(full.factor << shift) / count, full.shift + shift};
}

Outcome importMean(Importer &importer, const TfliteOperator &op) {
  if (isFloatNode(importer, op)) {
    return importFloatMean(importer, op);
  }
  if (!importer.hasOperand(op, 0)) {
    return Refusal{"input", "it is a constant"};
  }
  const ImportedTensor x = importer.operand(op, 0);
  const auto axes = axesOf(importer, op, 1, x.shape.size());
  if (x.isFloat() || x.shape.size() != 4 || !axes ||
      *axes != std::vector<int64_t>{1, 2}) {
    return Refusal{"axis", "only the mean of rows and columns of images of "
                           "integers is supported"};
  }
  const std::optional<Affine> result = importer.outputAffine(op);
  const std::optional<ElementType> type = importer.outputType(op);
  if (!result || type != x.type || x.affine.scale <= 0) {
    return Refusal{"quantization", "its input and its output need one scale "
                                   "and one type each"};
  }
  const Multiplier multiplier =
      meanMultiplier(x.affine, *result, x.shape[1] * x.shape[2]);
  Parameters parameters;
  parameters.add("F", multiplier.factor, 0)
      .add("G", multiplier.shift, 0)
      .add("ZX", x.affine.zeroPoint, 0)
      .add("ZY", result->zeroPoint, 0);
  const bool keepsDims = op.options && op.options->flag(0);
  std::vector<int64_t> shape = {x.shape[0], x.shape[3]};
  if (keepsDims) {
    shape = {x.shape[0], 1, 1, x.shape[3]};
  }
  importer.call(importer.define(op, 0, *type, shape),
                keepsDims ? "tflite_mean_image" : "tflite_mean",
                parameters.text(), {x.name});
  importer.addLayer(
      op, {.declaredInputBits = x.type.bits, .usedInputBits = x.type.bits});
  return imported;
}

} // namespace lpgen::importer::tflite
