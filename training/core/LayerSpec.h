// What models and policies tell each other of a layer.
#ifndef LPGEN_TRAINING_CORE_LAYERSPEC_H
#define LPGEN_TRAINING_CORE_LAYERSPEC_H

#include "operators/builder/ConvGeometry.h"
#include <string>

namespace lpgen::nn {

/// What follows the batch norm of a layer.
enum class Activation {
  Relu,
  Sign, ///< Nothing: the next products take signs. Pooling precedes batch norm,
        ///< since the greatest of four numbers is rarely negative.
  OnlineSpikes, ///< Neurons that fire, whose gradients are of one time step,
  SpikesThroughTime ///< and of all.
};

constexpr bool isSpiking(Activation activation) {
  return activation == Activation::OnlineSpikes ||
         activation == Activation::SpikesThroughTime;
}

/// Where a layer with weights stands. Policies treat the ends with more care.
enum class LayerPlace { First, Inner, Last };

/// What a policy is told of a layer when it makes its backend.
struct LayerSpec {
  std::string name;
  ConvGeometry geometry;
  LayerPlace place = LayerPlace::Inner;
};

} // namespace lpgen::nn

#endif // LPGEN_TRAINING_CORE_LAYERSPEC_H
