// How sensitive the loss is to rounding each block of a layer: the noise of
// rounding, measured now and then, times the square of the gradient.
#include "training/contractions/BlockBackend.h"
#include "training/core/ElementLoops.h"

namespace lpgen::quant {

/// Weight of the latest value in the averages.
static constexpr double averageRate = 0.1;

static double sumOfSquares(const nn::FloatTensor &x,
                           const nn::StepContext &context) {
  return sumElements(x.size(), context,
                     [&](int64_t i) { return double(x[i]) * double(x[i]); });
}

static void average(double &mean, double value) {
  mean = mean == 0 ? value : (1 - averageRate) * mean + averageRate * value;
}

void BlockBackend::Block::measure(const nn::FloatTensor &x,
                                  const Magnitudes &magnitudes,
                                  Rounding rounding,
                                  const nn::StepContext &context) {
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

void BlockBackend::measureGradients(const nn::FloatTensor &weight,
                                    const nn::FloatTensor *dWeight,
                                    const nn::FloatTensor *dx,
                                    const nn::StepContext &context) {
  const nn::TimeAdder timer(seconds.statistics);
  const auto meanSquare = [&](const float *from, int64_t rows,
                              int64_t rowLength, TaskRange columns) {
    part.resize({rows, columns.size()});
    gather(from, rows, rowLength, columns.begin, columns.size(), part.data());
    return sumOfSquares(part, context) / double(part.size());
  };
  const int64_t channels = geometry.channels;
  const int64_t taps = geometry.kernel * geometry.kernel;
  for (int g = 0; g < numInputs(); ++g) {
    const Group inputs = inputGroups[size_t(g)];
    if (dx) {
      average(inputBlock(g).gradientSquare,
              meanSquare(dx->data(), dx->size() / channels, channels, inputs));
    }
    for (int h = 0; dWeight && h < numOutputs(); ++h) {
      const Group outputs = outputGroups[size_t(h)];
      average(weightBlock(g, h).gradientSquare,
              meanSquare(dWeight->data() + outputs.begin * taps * channels,
                         outputs.size() * taps, channels, inputs));
    }
  }
  for (int h = 0; h < numOutputs(); ++h) {
    const Group outputs = outputGroups[size_t(h)];
    average(gradientBlock(h).gradientSquare,
            meanSquare(weight.data() + outputs.begin * taps * channels,
                       outputs.size() * taps, channels, {0, channels}));
  }
}

std::vector<WidthBlock> BlockBackend::describeBlocks() const {
  std::vector<WidthBlock> described(blocks.size());
  const auto describe = [&](int begin, int end) {
    double whole = 0;
    for (int i = begin; i < end; ++i) {
      whole += blocks[size_t(i)].power * blocks[size_t(i)].gradientSquare;
    }
    for (int i = begin; i < end; ++i) {
      const Block &block = blocks[size_t(i)];
      WidthBlock &to = described[size_t(i)];
      to.bits = block.report.bits;
      for (size_t b = 0; whole > 0 && b < to.sensitivity.size(); ++b) {
        to.sensitivity[b] =
            block.noise[b] * block.power * block.gradientSquare / whole;
      }
    }
  };
  describe(0, weightIndex(0, 0));
  describe(weightIndex(0, 0), gradientIndex(0));
  describe(gradientIndex(0), numBlocks());
  return described;
}

} // namespace lpgen::quant
