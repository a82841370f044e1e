// What an optimizer that keeps its weights as a center and offsets of few bits
// tells the layers (bit centering, De Sa et al. 2018).
#ifndef LPGEN_TRAINING_CORE_CENTERING_H
#define LPGEN_TRAINING_CORE_CENTERING_H

#include "training/core/IntTensor.h"
#include <map>
#include <string>

namespace lpgen::nn {

/// Of the passes of one batch through the network.
struct Centering {
  enum class Pass {
    Whole,  ///< At the center, for the mean gradient of an epoch.
    Center, ///< At the center: gradients of filters are not wanted.
    Offset  ///< Of the batch of the last Center pass, at center + offsets:
            ///< gradients of filters are their differences to the center's.
  };
  Pass pass = Pass::Whole;
  int64_t batch = 0; ///< Its number in the epoch.
  /// Whole passes keep what Center passes would, so that there are none.
  bool keeps = false;
  /// The pass needs no pixels: the first layer has kept them.
  bool hasInput() const { return keeps && pass == Pass::Offset; }
  /// By the name of the parameter; of all of them.
  std::map<std::string, quant::IntTensor> offsets;
};

} // namespace lpgen::nn

#endif // LPGEN_TRAINING_CORE_CENTERING_H
