// How integers stand for numbers: what a quantizer, an exported network and an
// operator agree on.
#ifndef LPGEN_BASE_TYPES_QUANTPARAMS_H
#define LPGEN_BASE_TYPES_QUANTPARAMS_H

#include <cstdint>

namespace lpgen {

/// Integers that stand for numbers, value = scale * q, and how q comes from a
/// number x. round is to nearest, ties to even; every float operation is
/// rounded to float32.
struct QuantParams {
  enum class Form {
    Divided,    ///< q = round(clamp(x / scale, lowest, highest))
    Multiplied, ///< q = round(clamp(x * (1 / scale), lowest, highest))
    Clipped,    ///< q = round(clamp(x, 0, top) * (highest / top))
    Sign        ///< q = 1 where x >= 0, else -1
  };
  int32_t lowest = 0;
  int32_t highest = 0;
  float scale = 1;
  Form form = Form::Divided;
  float top = 0;      ///< Of Clipped.
  bool isOdd = false; ///< Odd numbers only.
  /// scale = max|x| / highest over the batch; `scale` means nothing.
  bool followsBatch = false;
};

} // namespace lpgen

#endif // LPGEN_BASE_TYPES_QUANTPARAMS_H
