// Conv2d and Linear: weights, an optional bias, and the backend that a policy
// made for them.
#ifndef LPGEN_TRAINING_LAYERS_CONTRACTIONLAYER_H
#define LPGEN_TRAINING_LAYERS_CONTRACTIONLAYER_H

#include "training/contractions/ContractionBackend.h"
#include "training/layers/Layer.h"
#include <memory>
#include <vector>

namespace lpgen::nn {

enum class Bias { No, Yes };
/// The first layer of a network has nobody to hand its input gradient to.
enum class InputGradient { Wanted, NotWanted };

/// What both are: y = x w + bias.
class ContractionLayer : public Layer {
public:
  /// Weights are drawn from N(0, 2 / reduction) (He et al.) by `random`, the
  /// bias is 0.
  ContractionLayer(std::string name, const ConvGeometry &geometry, Bias bias,
                   InputGradient inputGradient,
                   std::unique_ptr<ContractionBackend> backend,
                   const RandomKey &random);

  Status forward(const FloatTensor &x, FloatTensor &y,
                 const StepContext &context) override;
  Status backward(const FloatTensor &dy, FloatTensor &dx,
                  const StepContext &context) override;
  void visitParameters(const std::function<void(Parameter &)> &visit) override;
  void visitState(StateVisitor &visitor) override;

  Status describe(networks::NetworkSink &network) const override;
  const ContractionBackend *backend() const override {
    return implementation.get();
  }

protected:
  virtual std::vector<int64_t> outputShape(int64_t images) const = 0;
  ConvGeometry geometry;

private:
  InputGradient wanted;
  std::unique_ptr<ContractionBackend> implementation;
  Parameter weight;
  Parameter bias; ///< Of no elements if there is none.
  const FloatTensor *input = nullptr;
};

/// y[n, h, v, o] = bias[o] + sum over the filter's taps and the channels of a
/// group.
class Conv2d : public ContractionLayer {
public:
  using ContractionLayer::ContractionLayer;

protected:
  std::vector<int64_t> outputShape(int64_t images) const override {
    return {images, geometry.outHeight(), geometry.outWidth(),
            geometry.outputs};
  }
};

/// y[n, o] = bias[o] + sum(c) x[n, c] w[o, c]
class Linear : public ContractionLayer {
public:
  using ContractionLayer::ContractionLayer;

protected:
  std::vector<int64_t> outputShape(int64_t images) const override {
    return {images, geometry.outputs};
  }
};

} // namespace lpgen::nn

#endif // LPGEN_TRAINING_LAYERS_CONTRACTIONLAYER_H
