// One pass for the maximum, one for rounding.
#include "runtime/quant/RangeQuantizer.h"

namespace lpgen::quant {

Status RangeQuantizer::quantize(const nn::FloatTensor &x, const nn::Pass &pass,
                                IntTensor &q, double &statisticsSeconds) {
  Magnitudes magnitudes;
  {
    const nn::TimeAdder timer(statisticsSeconds);
    magnitudes = measureMagnitudes(x.values(), pass);
  }
  if (!std::isfinite(magnitudes.sum)) {
    return invalidValue();
  }
  if (pass.isTraining()) {
    hasNegative |= magnitudes.hasNegative;
  }
  // A tensor of zeros, or of numbers too small to divide by, becomes zero.
  const float scale = magnitudes.max / float(codes().highest);
  const QuantizeCounts result =
      quant::quantize(x.values(), codes(), std::isnormal(scale) ? scale : 1.0F,
                      pass.isTraining() ? rounding : Rounding::Nearest,
                      pass.random.of(counts.tensor), pass, q);
  if (pass.isTraining()) {
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
}

std::optional<nn::IntegerGrid> RangeQuantizer::grid() const {
  nn::IntegerGrid grid = {codes().lowest, codes().highest, 1,
                          nn::IntegerGrid::Form::Multiplied};
  grid.followsBatch = true;
  return grid;
}

} // namespace lpgen::quant
