// Adds layers to a chain and keeps track of the shape that flows through it.
#ifndef LPGEN_TRAINING_MODELS_MODELBUILDER_H
#define LPGEN_TRAINING_MODELS_MODELBUILDER_H

#include "training/layers/Containers.h"
#include "training/layers/ContractionLayer.h"
#include "training/models/Models.h"

namespace lpgen::nn {

/// The first error is kept and ends the building: later calls do nothing.
class ModelBuilder {
public:
  ModelBuilder(const ModelSpec &spec, const MakeBackend &makeBackend,
               const RandomKey &random)
      : makeBackend(makeBackend), widths(spec.widths), random(random),
        height(spec.height), width(spec.width), channels(spec.channels),
        activation(spec.activation), hasInputGradient(spec.hasInputGradient),
        chain(std::make_unique<Sequential>(spec.name)) {}

  /// Same padding for odd kernels.
  void conv(const std::string &name, int64_t outputs, int64_t kernel,
            int64_t stride = 1, Bias bias = Bias::No);
  void linear(const std::string &name, int64_t outputs,
              LayerPlace place = LayerPlace::Inner, Bias bias = Bias::Yes);
  void batchNorm(const std::string &name);
  /// Nothing in networks of signs, neurons in spiking ones.
  void relu(const std::string &name);
  void maxPool(const std::string &name);
  /// A 3x3 convolution, batch norm, activation, and max pooling if wanted:
  /// "conv1", "bn1", "relu1", "pool1" of "1".
  void unit(const std::string &number, int64_t outputs);
  void pooledUnit(const std::string &number, int64_t outputs,
                  const std::string &pool);
  void globalAveragePool(const std::string &name);
  void flatten(const std::string &name);
  /// Two 3x3 convolutions with batch norm beside a shortcut (He et al. 2016).
  void residual(const std::string &name, int64_t outputs, int64_t stride);

  Result<std::unique_ptr<Layer>> finish();

private:
  /// Made is Conv2d or Linear.
  template <typename Made>
  void addContraction(const std::string &name, const ConvGeometry &geometry,
                      Bias bias, LayerPlace place);

  int64_t widthOf(const std::string &name, int64_t outputs) const {
    const auto found = widths.find(name);
    return found == widths.end() ? outputs : found->second;
  }

  const MakeBackend &makeBackend;
  std::map<std::string, int64_t> widths;
  RandomKey random;
  int64_t height;
  int64_t width;
  int64_t channels;
  Activation activation;
  bool hasInputGradient;
  bool isFirst = true;
  std::unique_ptr<Sequential> chain;
  Status status;
};

} // namespace lpgen::nn

#endif // LPGEN_TRAINING_MODELS_MODELBUILDER_H
