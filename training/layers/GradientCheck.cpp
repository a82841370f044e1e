// Central differences, L summed in double.
#include "training/layers/GradientCheck.h"
#include <algorithm>
#include <cmath>

namespace lpgen::nn {

namespace {
/// L as a function of x and the parameters.
struct Probe {
  Layer &layer;
  FloatTensor &x;
  const StepContext &context;
  FloatTensor y;
  FloatTensor direction; ///< r

  Result<double> evaluate() {
    LPGEN_RETURN_IF_ERROR(layer.forward(x, y, context));
    double sum = 0;
    for (int64_t i = 0; i < y.size(); ++i) {
      sum += double(y[i]) * double(direction[i]);
    }
    return sum;
  }
  Result<double> differentiate(float &element, float step) {
    const float original = element;
    element = original + step;
    const float above = element;
    const Result<double> plus = evaluate();
    LPGEN_RETURN_IF_ERROR(plus.status());
    element = original - step;
    const double distance = double(above) - double(element);
    const Result<double> minus = evaluate();
    LPGEN_RETURN_IF_ERROR(minus.status());
    element = original;
    return (*plus - *minus) / distance;
  }
};

/// A tensor to differentiate by, and what backward says of it.
struct Subject {
  std::string name;
  FloatTensor *values;
  FloatTensor gradient;
};
} // namespace

Result<GradientDifference> checkGradients(Layer &layer, FloatTensor x,
                                          const StepContext &context,
                                          int samples, float step) {
  const RandomKey key = RandomKey(7).of(layer.name());
  Probe probe = {layer, x, context, {}, {}};
  LPGEN_RETURN_IF_ERROR(layer.forward(x, probe.y, context));
  probe.direction.resize(probe.y.shape());
  for (int64_t i = 0; i < probe.y.size(); ++i) {
    probe.direction[i] = key.normal(uint64_t(i));
  }
  std::vector<Subject> subjects = {{"input", &x, {}}};
  LPGEN_RETURN_IF_ERROR(
      layer.backward(probe.direction, subjects[0].gradient, context));
  layer.visitParameters([&](Parameter &parameter) {
    subjects.push_back({parameter.name, &parameter.value, parameter.gradient});
  });
  GradientDifference worst;
  for (const Subject &subject : subjects) {
    const RandomKey elements = key.of(subject.name);
    if (subject.gradient.size() == 0) {
      continue; // An input gradient that nobody wants.
    }
    for (int sample = 0; sample < samples; ++sample) {
      const auto i = int64_t(
          elements.below(uint64_t(sample), uint64_t(subject.values->size())));
      const Result<double> numeric =
          probe.differentiate((*subject.values)[i], step);
      LPGEN_RETURN_IF_ERROR(numeric.status());
      const double analytic = subject.gradient[i];
      const double scale =
          std::max({1.0, std::abs(analytic), std::abs(*numeric)});
      const double relative = std::abs(analytic - *numeric) / scale;
      if (!(relative <= worst.relative)) { // A NaN is a difference, too.
        worst = {relative, subject.name + "[" + std::to_string(i) + "]",
                 analytic, *numeric};
      }
    }
  }
  return worst;
}

} // namespace lpgen::nn
