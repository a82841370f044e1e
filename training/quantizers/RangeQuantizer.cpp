// One pass for the maximum, one for rounding, now and then one for the limit.
#include "training/quantizers/RangeQuantizer.h"
#include "training/quantizers/ClippedRange.h"

namespace lpgen::quant {

/// Steps between two measurements of the limit.
static constexpr int64_t limitPeriod = 16;

void RangeQuantizer::measureLimit(const nn::FloatTensor &x,
                                  const Magnitudes &magnitudes,
                                  const nn::StepContext &context) {
  limit = MagnitudeHistogram(x.values(), magnitudes.max, context)
              .leastNoise(codes().highest, rounding)
              .limit;
  limitBits = bits;
}

Status RangeQuantizer::quantize(const nn::FloatTensor &x,
                                const nn::StepContext &context, IntTensor &q,
                                double &statisticsSeconds) {
  Magnitudes magnitudes;
  {
    const nn::TimeAdder timer(statisticsSeconds);
    magnitudes = measureMagnitudes(x.values(), context);
  }
  if (!std::isfinite(magnitudes.sum)) {
    return invalidValue();
  }
  if (context.isTraining()) {
    hasNegative |= magnitudes.hasNegative;
    if (bits < 8 && (context.step % limitPeriod == 0 || limitBits != bits)) {
      const nn::TimeAdder timer(statisticsSeconds);
      measureLimit(x, magnitudes, context);
    }
  }
  const std::optional<float> scale =
      scaleOf(isClipped() ? limit : magnitudes.max, codes());
  const QuantizeCounts result = quant::quantize(
      x.values(), codes(), scale.value_or(1.0F),
      scale && context.isTraining() ? rounding : Rounding::Nearest,
      context.random.of(counts.tensor), context, q);
  if (context.isTraining()) {
    counts.updates += counts.bits == bits ? 0 : 1;
    counts.bits = bits;
    counts.quantized += x.size();
    counts.saturated += result.saturated;
    counts.underflown += result.underflown;
  }
  return Status::success();
}

void RangeQuantizer::visitState(nn::StateVisitor &visitor) {
  Quantizer::visitState(visitor);
  visitor.visit(counts.tensor + ".hasNegative", hasNegative);
  visitor.visit(counts.tensor + ".limit", limit);
  visitor.visit(counts.tensor + ".limitBits", limitBits);
}

std::optional<QuantParams> RangeQuantizer::quantParams() const {
  QuantParams grid = {codes().lowest, codes().highest, 1,
                      QuantParams::Form::Multiplied};
  grid.followsBatch = !isClipped();
  if (isClipped()) {
    grid.scale = scaleOf(limit, codes()).value_or(1.0F);
  }
  return grid;
}

} // namespace lpgen::quant
