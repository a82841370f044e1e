// What the log says of a tensor that a trained quantizer rounds.
#include "training/quantizers/TrainedQuantizer.h"
#include <array>

namespace lpgen::quant {

void TrainedQuantizer::count(const nn::FloatTensor &x, const IntTensor &q,
                             const nn::StepContext &context) {
  const Range range = unclipped();
  std::array<std::array<int64_t, 2>, nn::reductionParts> parts = {};
  q.visit([&](const auto *codes) {
    nn::forEachPart(context, x.size(), [&](int part, TaskRange elements) {
      int64_t saturated = 0;
      int64_t underflown = 0;
      for (int64_t i = elements.begin; i < elements.end; ++i) {
        saturated += x[i] < range.lowest || x[i] > range.highest ? 1 : 0;
        underflown += codes[i] == 0 && x[i] != 0.0F ? 1 : 0;
      }
      parts[size_t(part)] = {saturated, underflown};
    });
  });
  counts.quantized += x.size();
  for (const auto &[saturated, underflown] : parts) {
    counts.saturated += saturated;
    counts.underflown += underflown;
  }
}

} // namespace lpgen::quant
