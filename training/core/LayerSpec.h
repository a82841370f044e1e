// A layer with weights before it is made: its name, its shape, its place.
#ifndef LPGEN_TRAINING_CORE_LAYERSPEC_H
#define LPGEN_TRAINING_CORE_LAYERSPEC_H

#include "operators/builder/ConvGeometry.h"
#include <string>

namespace lpgen::nn {

/// Where a layer with weights stands. Policies treat the ends with more care.
enum class LayerPlace { First, Inner, Last };

/// What a policy is told of a layer when it makes its products.
struct LayerSpec {
  std::string name;
  ConvGeometry geometry;
  LayerPlace place = LayerPlace::Inner;
};

} // namespace lpgen::nn

#endif // LPGEN_TRAINING_CORE_LAYERSPEC_H
