// Round, multiply in float32, round.
#include "runtime/quant/EmulatedProducts.h"

namespace lpgen::quant {

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
                                  nn::FloatTensor &dWeight, nn::FloatTensor *dx,
                                  const nn::Pass &pass) {
  gradient = dy;
  round(formats.gradients, gradient, ".gradient", pass);
  LPGEN_RETURN_IF_ERROR(
      products.backward(input, weights, gradient, dWeight, dx, pass));
  seconds.products = products.times().products;
  round(formats.gradients, dWeight, ".weightGradient", pass);
  if (dx) {
    round(formats.gradients, *dx, ".inputGradient", pass);
  }
  return Status::success();
}

} // namespace lpgen::quant
