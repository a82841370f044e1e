// Loops over the elements of a tensor that trained quantizers share.
#ifndef LPGEN_TRAINING_CORE_ELEMENTLOOPS_H
#define LPGEN_TRAINING_CORE_ELEMENTLOOPS_H

#include "base/system/Status.h"
#include "training/core/FloatTensor.h"
#include "training/core/IntTensor.h"
#include "training/core/StepContext.h"
#include <array>
#include <cmath>

namespace lpgen::quant {

/// Sum of value(i) for i in [0, count), in an order that does not depend on the
/// number of threads.
template <typename Value>
double sumElements(int64_t count, const nn::StepContext &context, Value value) {
  std::array<double, nn::reductionParts> parts = {};
  nn::forEachPart(context, count, [&](int part, TaskRange range) {
    for (int64_t i = range.begin; i < range.end; ++i) {
      parts[size_t(part)] += value(i);
    }
  });
  double sum = 0;
  for (const double part : parts) {
    sum += part;
  }
  return sum;
}

/// q[i] = code(x[i]), |code| <= max; q gets this maximum and scale. An error if
/// an element of x is no number.
template <typename Code>
Status encodeElements(const std::string &tensor, const nn::FloatTensor &x,
                      int32_t max, float scale, const nn::StepContext &context,
                      IntTensor &q, Code code) {
  q.reset(x.size(), max, scale);
  const double invalid = q.visit([&](auto *codes) {
    using Element = std::remove_reference_t<decltype(*codes)>;
    return sumElements(x.size(), context, [&](int64_t i) {
      if (std::isnan(x[i])) {
        return 1.0;
      }
      codes[i] = Element(code(x[i]));
      return 0.0;
    });
  });
  return invalid == 0 ? Status::success()
                      : Status::error("tensor '" + tensor +
                                      "' holds values that are no numbers: "
                                      "the run diverged; remedy: a smaller "
                                      "learning rate");
}

/// gradient[i] *= factor(x[i]).
template <typename Factor>
void multiplyElements(const nn::FloatTensor &x, const nn::StepContext &context,
                      nn::FloatTensor &gradient, Factor factor) {
  nn::forEachPart(context, x.size(), [&](int, TaskRange range) {
    for (int64_t i = range.begin; i < range.end; ++i) {
      gradient[i] *= factor(x[i]);
    }
  });
}

} // namespace lpgen::quant

#endif // LPGEN_TRAINING_CORE_ELEMENTLOOPS_H
