// Rounding to the one grid.
#include "training/quantizers/FixedPoint.h"

namespace lpgen::quant {

QuantizeCounts roundToGrid(const FixedPointFormat &format,
                           std::span<float> values, const nn::RandomKey &random,
                           const nn::StepContext &context) {
  IntTensor q;
  const QuantizeCounts counts =
      quant::quantize(values, format.codes(), format.scale(), format.rounding,
                      random, context, q);
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = float(q.at(int64_t(i))) * q.scale();
  }
  return counts;
}

Status FixedPointQuantizer::quantize(const nn::FloatTensor &x,
                                     const nn::StepContext &context,
                                     IntTensor &q) {
  const Rounding rounding =
      context.isTraining() ? format.rounding : Rounding::Nearest;
  const QuantizeCounts result =
      quant::quantize(x.values(), format.codes(), format.scale(), rounding,
                      context.random.of(counts.tensor), context, q);
  if (result.hasInvalid) {
    return invalidValue();
  }
  if (context.isTraining()) {
    count(x.size(), result.saturated, result.underflown);
  }
  return Status::success();
}

} // namespace lpgen::quant
