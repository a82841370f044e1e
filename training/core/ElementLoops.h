// Loops over the elements of a tensor.
#ifndef LPGEN_TRAINING_CORE_ELEMENTLOOPS_H
#define LPGEN_TRAINING_CORE_ELEMENTLOOPS_H

#include "training/core/FloatTensor.h"
#include "training/core/StepContext.h"
#include <array>

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

inline double sumOfSquares(const nn::FloatTensor &x,
                           const nn::StepContext &context) {
  return sumElements(x.size(), context,
                     [&](int64_t i) { return double(x[i]) * double(x[i]); });
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
