// Layers made of layers: a chain, and a residual block.
#ifndef LPGEN_TRAINING_LAYERS_CONTAINERS_H
#define LPGEN_TRAINING_LAYERS_CONTAINERS_H

#include "training/core/LayerSpec.h"
#include "training/layers/FusedNormActPool.h"
#include <memory>
#include <vector>

namespace lpgen::nn {

/// One layer after the other; owns the tensors between them. Batch norm, relu
/// and pooling that follow each other run as one step.
class Sequential : public Layer {
public:
  using Layer::Layer;
  void add(std::unique_ptr<Layer> layer);
  bool isEmpty() const { return layers.empty(); }

  /// An empty chain copies x.
  Status forward(const FloatTensor &x, FloatTensor &y,
                 const StepContext &context) override;
  Status backward(const FloatTensor &dy, FloatTensor &dx,
                  const StepContext &context) override;
  void visitParameters(const std::function<void(Parameter &)> &visit) override;
  void visitState(StateVisitor &visitor) override;
  void visitLayers(const std::function<void(Layer &)> &visit) override;
  Status describe(networks::NetworkSink &network) const override;

private:
  std::vector<std::unique_ptr<Layer>> layers;
  std::vector<std::unique_ptr<FusedNormActPool>> fused;
  std::vector<Layer *> steps;       ///< What runs, of `layers` and `fused`.
  std::vector<FloatTensor> between; ///< Output of each step but the last.
  FloatTensor gradients[2];         ///< Of `between`, in turn.
};

/// y = relu(main(x) + shortcut(x)), without relu in networks of signs; an empty
/// shortcut is the identity.
class Residual : public Layer {
public:
  Residual(std::string name, std::unique_ptr<Sequential> main,
           std::unique_ptr<Sequential> shortcut,
           Activation activation = Activation::Relu)
      : Layer(std::move(name)), main(std::move(main)),
        shortcut(std::move(shortcut)), activation(activation) {}

  Status forward(const FloatTensor &x, FloatTensor &y,
                 const StepContext &context) override;
  Status backward(const FloatTensor &dy, FloatTensor &dx,
                  const StepContext &context) override;
  void visitParameters(const std::function<void(Parameter &)> &visit) override;
  void visitState(StateVisitor &visitor) override;
  void visitLayers(const std::function<void(Layer &)> &visit) override;
  Status describe(networks::NetworkSink &network) const override;

private:
  std::unique_ptr<Sequential> main;
  std::unique_ptr<Sequential> shortcut;
  Activation activation;
  const FloatTensor *output = nullptr;
  FloatTensor shortcutOutput;
  FloatTensor sumGradient;
  FloatTensor shortcutGradient;
};

} // namespace lpgen::nn

#endif // LPGEN_TRAINING_LAYERS_CONTAINERS_H
