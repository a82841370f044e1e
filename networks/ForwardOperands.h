// The forward product of a layer with weights: what another program needs to
// compute it without the trainer.
#ifndef LPGEN_NETWORKS_FORWARDOPERANDS_H
#define LPGEN_NETWORKS_FORWARDOPERANDS_H

#include "base/types/QuantParams.h"
#include <cstdint>
#include <optional>
#include <vector>

namespace lpgen::networks {

/// Integer operands of a forward product, or of a part of it: some channels of
/// the input and the weights that they meet.
struct ForwardTerm {
  int64_t firstChannel = 0;
  int64_t channels = 0;
  QuantParams input;
  QuantParams weight;              ///< Its form means nothing.
  std::vector<float> weightScales; ///< By output; empty if all are weight's.
  std::vector<int32_t> weights;    ///< [outputs, kernel, kernel, channels]
  /// The first ones; 0: all. No fewer than those of the term before.
  int64_t outputs = 0;
};

/// A forward product of integers,
///   y = filterScales[o] sum over terms of float(sum x w) (xScale wScale)
/// in the order of the terms, then rounded to `result` and back; or, without
/// terms, of floats: y = ((0 + x0 w0) + x1 w1) + ..., in the order of a row of
/// weights.
struct ForwardOperands {
  std::vector<ForwardTerm> terms;
  bool sharesInput = false;        ///< All terms take the codes of the first.
  std::vector<float> filterScales; ///< By output; empty if there are none.
  std::optional<QuantParams> result;
  std::vector<float> floatWeights; ///< [outputs, kernel, kernel, channels]
};

} // namespace lpgen::networks

#endif // LPGEN_NETWORKS_FORWARDOPERANDS_H
