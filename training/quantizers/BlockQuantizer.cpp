// Noise at every width from one histogram; averages over the measured steps.
#include "training/quantizers/BlockQuantizer.h"
#include "training/core/ElementLoops.h"
#include "training/quantizers/ClippedRange.h"

namespace lpgen::quant {

/// Weight of the latest value in the averages.
static constexpr double averageRate = 0.1;

void BlockQuantizer::average(double &mean, double value) {
  mean = mean == 0 ? value : (1 - averageRate) * mean + averageRate * value;
}

void BlockQuantizer::measure(const nn::FloatTensor &x,
                             const Magnitudes &magnitudes,
                             const nn::StepContext &context) {
  if (context.step % period != 0) {
    return;
  }
  const MagnitudeHistogram histogram(x.values(), magnitudes.max, context);
  const double powerNow = sumOfSquares(x, context);
  average(power, powerNow);
  for (size_t i = 0; i < blockWidths.size(); ++i) {
    const int32_t highest = codes(blockWidths[i]).highest;
    const auto [limit, noiseNow] = histogram.leastNoise(highest, rounding);
    limits[i] = limit;
    // Beside the power of the same step: gradients shrink as training goes on.
    average(noise[i], powerNow > 0 ? noiseNow / powerNow : 0);
  }
  isMeasured = true;
}

WidthBlock BlockQuantizer::describe(double whole) const {
  WidthBlock block;
  block.bits = bits();
  for (size_t i = 0; whole > 0 && i < noise.size(); ++i) {
    block.sensitivity[i] = noise[i] * power * gradientSquare / whole;
  }
  return block;
}

void BlockQuantizer::visitState(nn::StateVisitor &visitor) {
  visitCounts(visitor);
  if (widthIndex(counts.bits) == blockWidths.size()) {
    counts.bits = blockWidths.front();
    visitor.refuse(tensor() + ".bits");
  }
  setBits(counts.bits);
  visitHasNegative(visitor);
  visitor.visit(tensor() + ".isMeasured", isMeasured);
  for (size_t i = 0; i < blockWidths.size(); ++i) {
    const std::string atWidth =
        tensor() + "[" + std::to_string(blockWidths[i]) + "]";
    visitor.visit(atWidth + ".limit", limits[i]);
    visitor.visit(atWidth + ".noise", noise[i]);
  }
  visitor.visit(tensor() + ".power", power);
  visitor.visit(tensor() + ".sensitivity", gradientSquare);
}

} // namespace lpgen::quant
