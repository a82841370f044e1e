// Codes, and what the log says of those that lose something.
#include "training/quantizers/ElementQuantizer.h"
#include <array>

namespace lpgen::quant {

Status ElementQuantizer::quantize(const nn::FloatTensor &x,
                                  const nn::StepContext &context,
                                  IntTensor &q) {
  if (!encode(x, context, q)) {
    return invalidValue();
  }
  if (context.isTraining()) {
    const nn::TimeAdder timer(statistics);
    countLosses(x, q, context);
  }
  return Status::success();
}

void ElementQuantizer::countLosses(const nn::FloatTensor &x, const IntTensor &q,
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
  count(x.size(), 0, 0);
  for (const auto &[saturated, underflown] : parts) {
    count(0, saturated, underflown);
  }
}

} // namespace lpgen::quant
