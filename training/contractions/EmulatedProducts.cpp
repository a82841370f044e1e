// Round, multiply in float32, round.
#include "training/contractions/EmulatedProducts.h"
#include <algorithm>

namespace lpgen::quant {

EmulatedProducts::EmulatedProducts(const nn::LayerSpec &layer,
                                   const LayerFormats &formats)
    : name(layer.name), formats(formats), products(layer.geometry) {
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
void EmulatedProducts::roundGradient(Gradient gradient, nn::FloatTensor &tensor,
                                     const nn::Pass &pass) {
  nn::TensorReport &count = counts[gradient];
  const int64_t before = countNonZero(tensor);
  round(formats.gradients, tensor, gradientNames[gradient], pass);
  count.quantized += tensor.size();
  count.underflown += before - countNonZero(tensor);
  const float max = formats.gradients.format.max();
  count.saturated += std::ranges::count_if(
      tensor.values(), [&](float value) { return std::fabs(value) > max; });
}

void EmulatedProducts::round(const StorageFormat &storage,
                             nn::FloatTensor &tensor, const char *what,
                             const nn::Pass &pass) {
  const nn::TimeAdder timer(seconds.quantize);
  // Evaluation draws no numbers.
  const Rounding rounding =
      pass.isTraining() ? storage.rounding : Rounding::Nearest;
  roundToFormat(storage.format, tensor.values(), rounding,
                pass.random.of(name + what), storage.overflow, pass);
}

Status EmulatedProducts::forward(const nn::FloatTensor &x,
                                 const nn::FloatTensor &weight,
                                 nn::FloatTensor &y, const nn::Pass &pass) {
  input = x;
  weights = weight;
  round(formats.operands, input, ".input", pass);
  round(formats.operands, weights, ".weight", pass);
  LPGEN_RETURN_IF_ERROR(products.forward(input, weights, y, pass));
  seconds.products = products.times().products;
  round(formats.operands, y, ".output", pass);
  return Status::success();
}

Status EmulatedProducts::backward(const nn::FloatTensor &x,
                                  const nn::FloatTensor &weight,
                                  const nn::FloatTensor &dy,
                                  nn::FloatTensor *dWeight, nn::FloatTensor *dx,
                                  const nn::Pass &pass) {
  gradient = dy;
  roundGradient(OfOutput, gradient, pass);
  LPGEN_RETURN_IF_ERROR(
      products.backward(input, weights, gradient, dWeight, dx, pass));
  seconds.products = products.times().products;
  if (dWeight) {
    roundGradient(OfWeight, *dWeight, pass);
  }
  if (dx) {
    roundGradient(OfInput, *dx, pass);
  }
  return Status::success();
}

void EmulatedProducts::visitState(nn::StateVisitor &visitor) {
  for (nn::TensorReport &count : counts) {
    visitor.visit(count.tensor + ".quantized", count.quantized);
    visitor.visit(count.tensor + ".saturated", count.saturated);
    visitor.visit(count.tensor + ".underflown", count.underflown);
  }
}

} // namespace lpgen::quant
