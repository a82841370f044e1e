// The numbers of TFLite's integer arithmetic: real factors as integers, and
// bounds of fused activations.
#ifndef LPGEN_NETWORKS_IMPORT_TFLITE_QUANTIZATION_H
#define LPGEN_NETWORKS_IMPORT_TFLITE_QUANTIZATION_H

#include <cstdint>

namespace lpgen::importer::tflite {

/// Stands for factor * 2^-(shift + 1): a value is rescaled by
/// ((value * factor >> shift) + 1) >> 1.
struct Multiplier {
  int64_t factor = 0; ///< 0 .. 2^31 - 1
  int64_t shift = 0;  ///< 0 .. 61
};

/// The factor to 31 bits, as TFLite's QuantizeMultiplier with one rounding has
/// it. `real` is neither negative nor a NaN; too small ones are 0.
Multiplier quantizeMultiplier(double real);
/// The factor to 15 bits, for sums of 16-bit values that have 64 bits. Factors
/// from 2^14 on have no such form: nothing has them in practice.
Multiplier quantizeMultiplier15(double real);
/// What the operators of tflite.lp do with it.
int64_t rescale(int64_t value, Multiplier by);

/// A scale, and the value that stands for 0.
struct Affine {
  float scale = 1;
  int64_t zeroPoint = 0;
};

/// The format's codes of fused activations.
enum class Activation : int8_t {
  None = 0,
  Relu = 1,
  ReluN1To1 = 2,
  Relu6 = 3,
  Tanh = 4,
  SignBit = 5,
};

struct Bounds {
  int64_t lowest;
  int64_t highest;
};
/// The steps between which a fused activation keeps a result of this
/// quantization, which holds values from `all.lowest` to `all.highest`. None,
/// Relu, ReluN1To1 or Relu6.
Bounds activationBounds(Activation activation, const Affine &result,
                        Bounds all);

} // namespace lpgen::importer::tflite

#endif // LPGEN_NETWORKS_IMPORT_TFLITE_QUANTIZATION_H
