// A trained network as operators: what is left of it when it only computes
// classes.
//
// A stage is a call of an operator. Stages hand each other values: codes on the
// grid of the layer that takes them, or floats where a layer needs them so (a
// shortcut, the greatest magnitude of a batch, a float product). The float
// operations between a sum and what is made of it are those of the trainer in
// its order, or fewer where that is exact.
#ifndef LPGEN_NETWORKS_NETWORK_H
#define LPGEN_NETWORKS_NETWORK_H

#include "base/tensor/Tensor.h"
#include "base/types/QuantParams.h"
#include "operators/builder/Operator.h"
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace lpgen::networks {

/// An input of a stage's operator, and what the stage passes for it.
struct Input {
  builder::Declaration formal;
  std::string value; ///< The stage that makes it, "" the image; no constant.
  std::shared_ptr<const HostTensor> constant; ///< Or null.
};

/// A parameter of a stage's operator that does not follow from what is passed.
struct Parameter {
  std::string name;
  int64_t value = 0;
  std::optional<int64_t> usual; ///< Its default.
};

struct Stage {
  std::string name;    ///< Of the layer, or of a part of it.
  std::string summary; ///< What the constants stand for, one line.
  std::string kind;    ///< A name for its operator.
  std::vector<Parameter> parameters;
  std::vector<Input> inputs;
  std::vector<builder::Statement> statements;
  builder::Declaration result; ///< y
  ElementType type;            ///< Of y here.
};

struct Network {
  int64_t height = 0;
  int64_t width = 0;
  int64_t channels = 0;
  int64_t classes = 0;
  bool isFlat = false; ///< The stages take an image as one row of pixels.
  /// The most images of one call. Where scales follow the batch it is the
  /// trainer's batch, and classes are the trainer's for the same batches only.
  int64_t imagesPerCall = 64;
  bool followsBatch = false;
  std::vector<Stage> stages; ///< The last one makes the scores.
};

/// The narrowest type that holds the grid's codes.
ElementType typeOf(const QuantParams &grid);

} // namespace lpgen::networks

#endif // LPGEN_NETWORKS_NETWORK_H
