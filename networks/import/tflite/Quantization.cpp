// Multipliers and bounds.
#include "networks/import/tflite/Quantization.h"
#include <algorithm>
#include <cmath>

namespace lpgen::importer::tflite {

namespace {
/// A real number as mantissa * 2^(exponent - 31), the mantissa from 2^30 on.
struct Scaled {
  int64_t mantissa;
  int exponent;
};
} // namespace

static Scaled scaled(double real) {
  constexpr int64_t one = int64_t{1} << 31;
  if (real == 0) {
    return {0, 0};
  }
  if (real >= double(one)) {
    return {one - 1, 30};
  }
  int exponent = 0;
  int64_t mantissa = std::llround(std::frexp(real, &exponent) * double(one));
  if (mantissa == one) {
    mantissa /= 2;
    ++exponent;
  }
  if (exponent < -31) {
    return {0, 0};
  }
  return exponent > 30 ? Scaled{one - 1, 30} : Scaled{mantissa, exponent};
}

Multiplier quantizeMultiplier(double real) {
  const Scaled number = scaled(real);
  return {number.mantissa, 30 - number.exponent};
}

Multiplier quantizeMultiplier15(double real) {
  const Scaled number = scaled(real);
  constexpr int64_t highest = 0x7FFF;
  const int64_t factor =
      std::min(highest, (number.mantissa + (int64_t{1} << 15)) >> 16);
  return {factor, std::max(14 - number.exponent, 0)};
}

int64_t rescale(int64_t value, Multiplier by) {
  return ((value * by.factor >> by.shift) + 1) >> 1;
}

/// The step of a real number.
static int64_t stepOf(float real, const Affine &result) {
  // Bounds beyond any type: nothing is clamped there.
  const float steps = std::clamp(std::round(real / result.scale), -1e9F, 1e9F);
  return result.zeroPoint + static_cast<int64_t>(steps);
}

Bounds activationBounds(Activation activation, const Affine &result,
                        Bounds all) {
  switch (activation) {
  case Activation::Relu:
    all.lowest = std::max(all.lowest, stepOf(0, result));
    break;
  case Activation::ReluN1To1:
    all.lowest = std::max(all.lowest, stepOf(-1, result));
    all.highest = std::min(all.highest, stepOf(1, result));
    break;
  case Activation::Relu6:
    all.lowest = std::max(all.lowest, stepOf(0, result));
    all.highest = std::min(all.highest, stepOf(6, result));
    break;
  case Activation::None:
  case Activation::Tanh:
  case Activation::SignBit:
    break;
  }
  return all;
}

} // namespace lpgen::importer::tflite
