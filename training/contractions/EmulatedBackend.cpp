// Round, multiply in float32, round.
#include "training/contractions/EmulatedBackend.h"
#include <algorithm>

namespace lpgen::quant {

EmulatedBackend::EmulatedBackend(const nn::LayerSpec &layer,
                                 const LayerFormats &formats)
    : name(layer.name), formats(formats), backend(layer.geometry) {
  for (size_t i = 0; i < counts.size(); ++i) {
    counts[i].tensor = name + gradientNames[i];
    counts[i].bits = formats.gradients.format.bits();
  }
}

static int64_t countNonZero(const nn::FloatTensor &tensor) {
  return std::ranges::count_if(tensor.values(),
                               [](float value) { return value != 0; });
}

/// Rounds a gradient, and counts.
void EmulatedBackend::roundGradient(Gradient gradient, nn::FloatTensor &tensor,
                                    const nn::StepContext &context) {
  nn::TensorReport &count = counts[gradient];
  const int64_t before = countNonZero(tensor);
  round(formats.gradients, tensor, gradientNames[gradient], context);
  count.quantized += tensor.size();
  count.underflown += before - countNonZero(tensor);
  const float max = formats.gradients.format.max();
  count.saturated += std::ranges::count_if(
      tensor.values(), [&](float value) { return std::fabs(value) > max; });
}

void EmulatedBackend::round(const StorageFormat &storage,
                            nn::FloatTensor &tensor, const char *what,
                            const nn::StepContext &context) {
  const nn::TimeAdder timer(seconds.quantize);
  // Evaluation draws no numbers.
  const Rounding rounding =
      context.isTraining() ? storage.rounding : Rounding::Nearest;
  roundToFormat(storage.format, tensor.values(), rounding,
                context.random.of(name + what), storage.overflow, context);
}

Status EmulatedBackend::forward(const nn::FloatTensor &x,
                                const nn::FloatTensor &weight,
                                nn::FloatTensor &y,
                                const nn::StepContext &context) {
  input = x;
  weights = weight;
  round(formats.operands, input, ".input", context);
  round(formats.operands, weights, ".weight", context);
  LPGEN_RETURN_IF_ERROR(backend.forward(input, weights, y, context));
  seconds.products = backend.times().products;
  round(formats.operands, y, ".output", context);
  return Status::success();
}

Status EmulatedBackend::backward(const nn::FloatTensor &x,
                                 const nn::FloatTensor &weight,
                                 const nn::FloatTensor &dy,
                                 nn::FloatTensor *dWeight, nn::FloatTensor *dx,
                                 const nn::StepContext &context) {
  gradient = dy;
  roundGradient(OfOutput, gradient, context);
  LPGEN_RETURN_IF_ERROR(
      backend.backward(input, weights, gradient, dWeight, dx, context));
  seconds.products = backend.times().products;
  if (dWeight) {
    roundGradient(OfWeight, *dWeight, context);
  }
  if (dx) {
    roundGradient(OfInput, *dx, context);
  }
  return Status::success();
}

nn::BackendReport EmulatedBackend::report() const {
  nn::BackendReport report = backend.report();
  report.times = seconds;
  report.tensors = {counts.begin(), counts.end()};
  return report;
}

void EmulatedBackend::visitState(nn::StateVisitor &visitor) {
  for (nn::TensorReport &count : counts) {
    visitor.visit(count.tensor + ".quantized", count.quantized);
    visitor.visit(count.tensor + ".saturated", count.saturated);
    visitor.visit(count.tensor + ".underflown", count.underflown);
  }
}

} // namespace lpgen::quant
