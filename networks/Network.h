// A trained network as operators: what is left of it when it only computes
// classes.
//
// A stage is one operator. Stages hand each other values: codes on the grid of
// the layer that takes them, or floats where a layer needs them so (a shortcut,
// the greatest magnitude of a batch, a float product). The float operations
// between a sum and what is made of it are those of the trainer in its order,
// or fewer where that is exact.
#ifndef LPGEN_NETWORKS_NETWORK_H
#define LPGEN_NETWORKS_NETWORK_H

#include "base/types/QuantParams.h"
#include "operators/builder/Operator.h"
#include <cstdint>
#include <string>
#include <vector>

namespace lpgen::networks {

/// What stages hand each other.
struct Value {
  int64_t elements = 1; ///< Of each image, or in all if it is a scalar.
  bool isScalar = false;
  unsigned bytes = 4; ///< Of an element.
};

/// An input of a stage's operator: a value, float constants, or weights.
struct Input {
  builder::Declaration tensor;
  int value = -1; ///< The number of a value, or -1.
  std::vector<float> floats;
  std::vector<int32_t> weights;
};

struct Stage {
  std::string name;    ///< Of the layer, or of a part of it.
  std::string summary; ///< What the constants stand for, one line.
  std::vector<Input> inputs;
  std::vector<builder::Statement> statements;
  builder::Declaration result; ///< y
  int output = -1;             ///< The number of its value.
};

struct Network {
  int64_t height = 0;
  int64_t width = 0;
  int64_t channels = 0;
  int64_t classes = 0;
  /// The most images of one call. Where scales follow the batch it is the
  /// trainer's batch, and classes are the trainer's for the same batches only.
  int64_t imagesPerCall = 64;
  bool followsBatch = false;
  /// Value 0 of a pixel: table[channel * 256 + pixel], codes or floats.
  ElementType tableType;
  std::vector<int32_t> codes;
  std::vector<float> floats;

  std::vector<Value> values; ///< 0 is made of the image by the table.
  std::vector<Stage> stages; ///< The last one's output are the scores.
};

/// The narrowest type that holds the grid's codes.
ElementType typeOf(const QuantParams &grid);

} // namespace lpgen::networks

#endif // LPGEN_NETWORKS_NETWORK_H
