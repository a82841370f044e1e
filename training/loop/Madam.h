// LNS-Madam (Zhao et al. 2022, arXiv 2106.13914): weights in a logarithmic
// number system, updated by additions to their exponents.
#ifndef LPGEN_TRAINING_LOOP_MADAM_H
#define LPGEN_TRAINING_LOOP_MADAM_H

#include "training/loop/Optimizer.h"

namespace lpgen::train {

/// A magnitude in 15 bits: limit 2^(-code / 2048), code from 0 to 32767.
struct LogarithmicGrid {
  static constexpr int steps = 2048; ///< To a power of two.
  static constexpr int32_t most = 32767;
  float limit = 1; ///< The greatest magnitude.

  /// Of the nearest magnitude in the logarithm; that of 0 is `most`.
  int32_t codeOf(float magnitude) const;
  float magnitude(int32_t code) const;
};

/// Of each gradient g, with s = 0.999 s + 0.001 g g, which t updates have seen:
///   n = g / sqrt(s / (1 - 0.999^t)), clamped to [-10, 10]
/// Filters, tensors of more than one dimension, are signs and codes:
///   code += rate 2048 round(n) sign(w)
/// which is |w| times 2^(-rate round(n) sign(w)). Where rate 2048 is no integer
/// the product is rounded stochastically. limit is 3 times the root mean square
/// of the first weights. Signs stay. Vectors, which start at 0 or 1, are
/// floats:
///   w -= rate n
/// Nothing decays and nothing has momentum.
std::unique_ptr<Optimizer>
makeMadam(const std::vector<nn::Parameter *> &parameters);

} // namespace lpgen::train

#endif // LPGEN_TRAINING_LOOP_MADAM_H
