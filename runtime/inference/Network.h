// A trained network as a chain of integer stages: what is left of it when it
// only computes classes.
//
// Each stage with weights takes codes of its input grid, adds up products, and
// ends in the codes of the next stage's grid, or in float scores. The float
// operations between sum and code are those of the trainer in its order, or
// fewer where that is exact.
#ifndef LPGEN_RUNTIME_INFERENCE_NETWORK_H
#define LPGEN_RUNTIME_INFERENCE_NETWORK_H

#include "runtime/core/ElementType.h"
#include "runtime/data/Dataset.h"
#include "runtime/nn/Products.h"
#include <optional>
#include <string>
#include <vector>

namespace lpgen::inference {

/// A float input of a stage's operator besides codes and weights.
struct FloatInput {
  std::string name;
  std::vector<float> values;
  bool isScalar = false;
};

struct Stage {
  enum class Kind { Product, MaxPool };
  Kind kind = Kind::Product;
  std::string name; ///< Of the layer and of the operator.
  /// Of a pool: height, width, channels, kernel and stride.
  nn::ConvGeometry geometry;
  nn::IntegerGrid input;
  /// None: the outputs are float scores.
  std::optional<nn::IntegerGrid> output;

  // Of a product only.
  nn::IntegerGrid weight;
  std::vector<int32_t> weights;
  /// unit (scalar, if there), gain, offset, step (scalar, if there):
  ///   y = round(clamp(((sum * unit) * gain + offset) / step))
  std::vector<FloatInput> floats;
  std::string folded; ///< What the floats stand for, one line.

  int64_t outputSize() const; ///< Elements for each image.
  const FloatInput *find(const std::string &wanted) const;
};

struct Network {
  int64_t height = 0;
  int64_t width = 0;
  int64_t channels = 0;
  int64_t classes = 0;
  /// The code of a pixel: table[channel * 256 + pixel].
  std::vector<int32_t> table;
  std::vector<Stage> stages;
};

/// The narrowest type that holds the grid's codes.
ElementType typeOf(const nn::IntegerGrid &grid);

/// The stages of a network that has evaluated at least once since its weights
/// last changed. An error names the layer that has no integer form.
Result<Network> makeNetwork(nn::Layer &root, const data::Dataset &data);

} // namespace lpgen::inference

#endif // LPGEN_RUNTIME_INFERENCE_NETWORK_H
