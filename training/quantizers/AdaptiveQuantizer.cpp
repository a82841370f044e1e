// Error, width, interval: the formulas of the header in the order of a step.
#include "training/quantizers/AdaptiveQuantizer.h"
#include "training/quantizers/Quantize.h"
#include <algorithm>
#include <cmath>

namespace lpgen::quant {

double quantizationError(double sum, double quantizedSum) {
  return sum == 0 ? 0 : std::log2(std::abs(sum - quantizedSum) / sum + 1.0);
}

/// Of a scale: it stays a normal float, and so does its inverse.
static constexpr int greatestExponent = 120;

int scaleExponent(float max, int bits) {
  return std::clamp(
      int(std::ceil(std::log2(double(max) / double(symmetricMax(bits))))),
      -greatestExponent, greatestExponent);
}

int64_t updateInterval(const AdaptiveOptions &options, double error,
                       double averageChange) {
  const double change = std::max(options.delta * error * error, averageChange);
  if (change == 0) {
    return options.maxInterval;
  }
  const double interval = std::round(options.beta / change - options.gamma);
  return int64_t(std::clamp(interval, 1.0,
                            double(std::max<int64_t>(options.maxInterval, 1))));
}

/// Quantizes with the width and scale of now.
void AdaptiveQuantizer::apply(const nn::FloatTensor &x,
                              const nn::StepContext &context, IntTensor &q) {
  const QuantizeCounts result = quant::quantize(
      x.values(), symmetricCodes(counts.bits), std::ldexp(1.0F, exponent),
      context.isTraining() ? options.rounding : Rounding::Nearest,
      context.random.of(counts.tensor), context, q);
  quantizedSum = result.sum;
  hasInvalid = result.hasInvalid;
  if (!context.isTraining()) {
    return;
  }
  count(x.size(), result.saturated, result.underflown);
  if (double(result.saturated) > options.maxSaturated * double(x.size())) {
    next = std::min(next, context.step + 1);
  }
}

/// What is not in the time of statistics is the rounding that would be done
/// without an update.
Status AdaptiveQuantizer::update(const nn::FloatTensor &x,
                                 const nn::StepContext &context, IntTensor &q) {
  Magnitudes magnitudes;
  {
    const nn::TimeAdder timer(statistics);
    magnitudes = measureMagnitudes(x.values(), context);
  }
  if (!std::isfinite(magnitudes.sum)) {
    return invalidValue();
  }
  const bool isFirst = counts.updates++ == 0;
  if (options.mode == AdaptiveOptions::Mode::Restart) {
    counts.bits = options.minBits;
  }
  next = context.step + options.maxInterval;
  double error = 0;
  while (true) {
    if (magnitudes.max > 0) {
      exponent = scaleExponent(magnitudes.max, counts.bits);
    }
    if (isFirst) {
      averageExponent = exponent;
    }
    const nn::TensorReport before = counts;
    double seconds = 0;
    {
      const nn::TimeAdder timer(seconds);
      apply(x, context, q);
    }
    error = quantizationError(magnitudes.sum,
                              std::ldexp(double(quantizedSum), exponent));
    if (error <= options.threshold || counts.bits + 8 > options.maxBits) {
      break;
    }
    statistics += seconds;
    counts = before; // What this width did is not what is used.
    counts.bits += 8;
    averageExponent -= 8;
  }
  const double change = options.alpha * std::abs(exponent - averageExponent);
  next = context.step + (context.step < options.initialSteps
                             ? 1
                             : updateInterval(options, error, change));
  return Status::success();
}

Status AdaptiveQuantizer::quantize(const nn::FloatTensor &x,
                                   const nn::StepContext &context,
                                   IntTensor &q) {
  // A network that was never trained has no scale yet.
  const bool isFresh = !context.isTraining() && counts.updates == 0;
  if (isFresh) {
    AdaptiveQuantizer passing(counts.tensor, options);
    nn::StepContext training = context;
    training.mode = nn::Mode::Train;
    const Status status = passing.quantize(x, training, q);
    statistics += passing.statistics;
    return status;
  }
  if (context.isTraining() && context.step >= next) {
    LPGEN_RETURN_IF_ERROR(update(x, context, q));
  } else {
    apply(x, context, q);
    if (hasInvalid) {
      return invalidValue();
    }
  }
  if (context.isTraining()) {
    averageExponent =
        options.alpha * exponent + (1 - options.alpha) * averageExponent;
  }
  return Status::success();
}

std::optional<QuantParams> AdaptiveQuantizer::quantParams() const {
  if (counts.updates == 0) {
    return std::nullopt;
  }
  const int32_t max = symmetricMax(counts.bits);
  return QuantParams{-max, max, std::ldexp(1.0F, exponent),
                     QuantParams::Form::Multiplied};
}

void AdaptiveQuantizer::visitState(nn::StateVisitor &visitor) {
  visitCounts(visitor);
  if (counts.bits < options.minBits || counts.bits > options.maxBits) {
    counts.bits = options.minBits;
    visitor.refuse(counts.tensor + ".bits");
  }
  visitor.visitFrom(counts.tensor + ".exponent", exponent, -greatestExponent,
                    greatestExponent);
  visitor.visit(counts.tensor + ".averageExponent", averageExponent);
  visitor.visit(counts.tensor + ".next", next);
}

} // namespace lpgen::quant
