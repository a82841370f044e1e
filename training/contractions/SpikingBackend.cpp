// Called once in each time step.
#include "training/contractions/SpikingBackend.h"
#include <algorithm>

namespace lpgen::quant {

const nn::FloatTensor *
SpikingBackend::inputOfGradient(const nn::FloatTensor *values,
                                const nn::StepContext &context) {
  assert(context.time.count == 1 && "a trace is of one step after the other");
  if (context.time.first == 0) {
    trace.resize(values->shape());
    std::ranges::fill(trace.values(), 0.0F);
  }
  assert(trace.size() == values->size() && "time steps of one batch");
  nn::forEachPart(context, trace.size(), [&](int, TaskRange range) {
    for (int64_t i = range.begin; i < range.end; ++i) {
      trace[i] = nn::TimeSteps::leak * trace[i] + (*values)[i];
    }
  });
  return &trace;
}

} // namespace lpgen::quant
