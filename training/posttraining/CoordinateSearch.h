// CoNNTrA (Date et al. 2020, arXiv 2009.00540): training without gradients, by
// coordinate descent over weights of a finite set, here -1, 0 and 1.
//
// The forward product is that of the kernels, integer by integer. A change of
// one weight changes one column of sums and what follows from it, and nothing
// else is computed again.
#ifndef LPGEN_TRAINING_POSTTRAINING_COORDINATESEARCH_H
#define LPGEN_TRAINING_POSTTRAINING_COORDINATESEARCH_H

#include "networks/ForwardOperands.h"
#include "training/core/Random.h"
#include "training/layers/Layer.h"
#include <span>
#include <string>
#include <vector>

namespace lpgen::posttraining {

/// y[o] = float(sum(k) x[k] weights[o, k]) scale + bias[o], behind which stands
/// relu unless it is the last; x are codes of `input`.
struct IntegerLinear {
  std::string name;
  int64_t inputs = 0;
  int64_t outputs = 0;
  QuantParams input;
  float scale = 1;
  float weightScale = 1; ///< Of the weights alone.
  std::vector<int32_t> weights;
  std::vector<float> bias;

  /// Whether it has no codes beyond those of two bits.
  bool hasTwoBits() const;
};

/// The linear layers of a network that has evaluated since its weights last
/// changed. An error names a layer that is something else.
Result<std::vector<IntegerLinear>> integerLayersOf(const nn::Layer &network);

class CoordinateSearch {
public:
  /// pixels[n, k], as the first layer sees those of image n.
  CoordinateSearch(std::vector<IntegerLinear> layers,
                   std::span<const float> pixels,
                   const std::vector<uint8_t> &labels);

  const std::vector<IntegerLinear> &layers() const { return network; }
  /// Mean cross-entropy of the images.
  double loss() const { return present; }
  /// The class of each image, the first of equal scores.
  std::vector<int64_t> classes() const;

  /// Codes beyond -1 and 1 become these; how many there were.
  int64_t makeTernary(size_t layer);
  struct Sweep {
    int64_t tried = 0;
    int64_t changed = 0;
  };
  /// Each weight of the layer, in random order, takes the code of -1, 0 and 1
  /// that has the least loss; it stays where none is better.
  Sweep sweep(size_t layer, const nn::RandomKey &random);
  /// The loss with another code of weights[output, input].
  double lossWith(size_t layer, int64_t output, int64_t input, int32_t code);

private:
  /// Sums of a layer, [outputs, images].
  using Sums = std::vector<int32_t>;
  template <typename T>
  std::span<const T> columnOf(const std::vector<T> &columns,
                              int64_t number) const {
    return std::span<const T>(columns).subspan(size_t(number * images),
                                               size_t(images));
  }
  /// Sums of a layer from its codes.
  void multiply(size_t layer);
  /// All that follows from the sums of a layer.
  void forwardBehind(size_t layer);
  void change(size_t layer, int64_t output, int64_t input, int32_t code);
  /// The codes that sums of one output become in the layer behind.
  std::vector<int16_t> codesBehind(size_t layer, int64_t output,
                                   std::span<const int32_t> sums) const;
  double lossOf(const Sums &last) const;
  /// Adds what follows from other sums of one output to `last`, the sums of
  /// the last layer. False if nothing follows.
  bool follow(size_t layer, int64_t output, std::span<const int32_t> changed,
              Sums &last) const;

  std::vector<IntegerLinear> network;
  int64_t images;
  std::vector<uint8_t> labels;
  std::vector<std::vector<int16_t>> codes; ///< By layer, [inputs, images].
  std::vector<Sums> sums;
  double present = 0;
};

} // namespace lpgen::posttraining

#endif // LPGEN_TRAINING_POSTTRAINING_COORDINATESEARCH_H
