// What becomes of an element between a sum and what the next layer takes of it:
// float operations in the order of the trainer, as an expression of the
// operator language.
#ifndef LPGEN_NETWORKS_EPILOGUE_H
#define LPGEN_NETWORKS_EPILOGUE_H

#include "networks/Network.h"
#include <optional>

namespace lpgen::networks {

/// A scale that follows the batch: what stage `peak` makes, divided by
/// `highest`.
struct BatchScale {
  std::string peak;
  int32_t highest = 1;
};

/// To codes of a grid, whose scale is that of the batch if it follows it.
struct Quantization {
  QuantParams grid;
  BatchScale batch;
};

/// `o` is the index of the channel in all expressions. The operator is generic:
/// bounds of grids are parameters of it.
class Epilogue {
public:
  bool isEmpty() const { return steps.empty(); }

  void multiply(float factor);
  /// By the scale of the batch times a scale for each channel.
  void multiply(const BatchScale &batch, std::vector<float> scales);
  void multiplyChannels(std::vector<float> factors);
  void addChannels(std::vector<float> offsets);
  void affine(std::vector<float> gains, std::vector<float> offsets);
  /// Rounds to the grid and stays a float.
  void roundTo(const QuantParams &grid);
  /// Adds another tensor, read as `element`: "s[n,h,v,o]".
  void add(Input tensor, builder::Expression element);
  void relu();

  struct Result {
    builder::Expression expression;
    std::vector<Input> inputs;
    std::vector<Parameter> parameters;
    std::string summary;
    QuantParams grid; ///< Of the result, if it was quantized.
  };
  /// The expression for `element`, "acc[n,h,v,o]", of as many channels as the
  /// parameter `channels`. Powers of two go into gain and offset where that is
  /// exact.
  Result apply(const builder::Expression &element, const std::string &channels,
               const std::optional<Quantization> &quantization) const;

private:
  struct Step {
    enum class Kind {
      Scale,
      BatchScale,
      ChannelScale,
      ChannelOffset,
      Affine,
      Round,
      Add,
      Relu
    };
    Kind kind;
    float factor = 1;
    std::vector<float> gains;
    std::vector<float> offsets;
    QuantParams grid;
    BatchScale batch;
    Input tensor;
    builder::Expression element = 0;
  };
  class Writer;
  using Kind = Step::Kind;
  static void foldScale(std::vector<Step> &steps, std::string &summary);

  std::vector<Step> steps;
};

/// A constant of floats.
std::shared_ptr<const HostTensor> constantOf(const std::vector<float> &values,
                                             std::vector<int64_t> shape);

/// Dividing by one is multiplying by its inverse, to the bit.
bool isPowerOfTwo(float value);

/// Multiplies all by `factor` if it is a power of two and every product, and a
/// sum of 32 bits times it, is exact; else false, and nothing is changed.
bool scaleExactly(std::vector<float> &values, float factor);

} // namespace lpgen::networks

#endif // LPGEN_NETWORKS_EPILOGUE_H
