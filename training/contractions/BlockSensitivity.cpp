// How sensitive the loss is to rounding each block of a layer: the noise of
// rounding, measured now and then, times the square of the gradient.
#include "training/contractions/BlockBackend.h"
#include "training/core/ElementLoops.h"

namespace lpgen::quant {

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
      inputBlock(g).quantizer.addGradientSquare(
          meanSquare(dx->data(), dx->size() / channels, channels, inputs));
    }
    for (int h = 0; dWeight && h < numOutputs(); ++h) {
      const Group outputs = outputGroups[size_t(h)];
      weightBlock(g, h).quantizer.addGradientSquare(
          meanSquare(dWeight->data() + outputs.begin * taps * channels,
                     outputs.size() * taps, channels, inputs));
    }
  }
  for (int h = 0; h < numOutputs(); ++h) {
    const Group outputs = outputGroups[size_t(h)];
    gradientBlock(h).quantizer.addGradientSquare(
        meanSquare(weight.data() + outputs.begin * taps * channels,
                   outputs.size() * taps, channels, {0, channels}));
  }
}

std::vector<WidthBlock> BlockBackend::describeBlocks() const {
  std::vector<WidthBlock> described(blocks.size());
  const auto describe = [&](int begin, int end) {
    double whole = 0;
    for (int i = begin; i < end; ++i) {
      whole += blocks[size_t(i)].quantizer.weightedPower();
    }
    for (int i = begin; i < end; ++i) {
      described[size_t(i)] = blocks[size_t(i)].quantizer.describe(whole);
    }
  };
  describe(0, weightIndex(0, 0));
  describe(weightIndex(0, 0), gradientIndex(0));
  describe(gradientIndex(0), numBlocks());
  return described;
}

} // namespace lpgen::quant
