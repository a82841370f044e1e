// One sweep for the maximum, one for rounding, now and then one for the limit.
#include "training/quantizers/RangeQuantizer.h"
#include "training/quantizers/ClippedRange.h"
#include <cmath>

namespace lpgen::quant {

/// Steps between two measurements of the limit.
static constexpr int64_t limitPeriod = 16;

void RangeQuantizer::measure(const nn::FloatTensor &x,
                             const Magnitudes &magnitudes,
                             const nn::StepContext &context) {
  if (width >= 8 || (context.step % limitPeriod != 0 && limitBits == width)) {
    return;
  }
  limit = MagnitudeHistogram(x.values(), magnitudes.max, context)
              .leastNoise(codes(width).highest, rounding)
              .limit;
  limitBits = width;
}

std::optional<float> RangeQuantizer::clipLimit() const {
  return width < 8 && limit > 0 ? std::optional(limit) : std::nullopt;
}

Status RangeQuantizer::quantize(const nn::FloatTensor &x,
                                const nn::StepContext &context, IntTensor &q) {
  Magnitudes magnitudes;
  {
    const nn::TimeAdder timer(statistics);
    magnitudes = measureMagnitudes(x.values(), context);
  }
  if (!std::isfinite(magnitudes.sum)) {
    return invalidValue();
  }
  if (context.isTraining()) {
    const nn::TimeAdder timer(statistics);
    hasNegative |= magnitudes.hasNegative;
    measure(x, magnitudes, context);
  }
  const std::optional<float> scale =
      scaleOf(clipLimit().value_or(magnitudes.max), codes(width));
  const QuantizeCounts result = quant::quantize(
      x.values(), codes(width), scale.value_or(1.0F),
      scale && context.isTraining() ? rounding : Rounding::Nearest,
      context.random.of(tensor()), context, q);
  if (context.isTraining()) {
    takeBits();
    count(x.size(), result.saturated, result.underflown);
  }
  return Status::success();
}

void RangeQuantizer::visitState(nn::StateVisitor &visitor) {
  visitCounts(visitor);
  visitHasNegative(visitor);
  visitor.visit(tensor() + ".limit", limit);
  visitor.visit(tensor() + ".limitBits", limitBits);
}

std::optional<QuantParams> RangeQuantizer::quantParams() const {
  const std::optional<float> greatest = clipLimit();
  const CodeRange range = codes(width);
  QuantParams params = {range.lowest, range.highest,
                        scaleOf(greatest.value_or(0), range).value_or(1.0F),
                        QuantParams::Form::Multiplied};
  params.followsBatch = !greatest;
  return params;
}

} // namespace lpgen::quant
