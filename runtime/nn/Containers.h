// Layers made of layers: a chain, and a residual block.
#ifndef LPGEN_RUNTIME_NN_CONTAINERS_H
#define LPGEN_RUNTIME_NN_CONTAINERS_H

#include "runtime/nn/Layer.h"
#include <memory>
#include <vector>

namespace lpgen::nn {

/// One layer after the other; owns the tensors between them.
class Sequential : public Layer {
public:
  using Layer::Layer;
  void add(std::unique_ptr<Layer> layer) { layers.push_back(std::move(layer)); }
  bool isEmpty() const { return layers.empty(); }

  /// An empty chain copies x.
  Status forward(const FloatTensor &x, FloatTensor &y,
                 const Pass &pass) override;
  Status backward(const FloatTensor &dy, FloatTensor &dx,
                  const Pass &pass) override;
  void visitParameters(const std::function<void(Parameter &)> &visit) override;
  void visitState(StateVisitor &visitor) override;
  void visitLayers(const std::function<void(Layer &)> &visit) override;

private:
  std::vector<std::unique_ptr<Layer>> layers;
  std::vector<FloatTensor> between; ///< Output of each layer but the last.
  FloatTensor gradients[2];         ///< Of `between`, in turn.
};

/// y = relu(main(x) + shortcut(x)); an empty shortcut is the identity.
class Residual : public Layer {
public:
  Residual(std::string name, std::unique_ptr<Sequential> main,
           std::unique_ptr<Sequential> shortcut)
      : Layer(std::move(name)), main(std::move(main)),
        shortcut(std::move(shortcut)) {}

  Status forward(const FloatTensor &x, FloatTensor &y,
                 const Pass &pass) override;
  Status backward(const FloatTensor &dy, FloatTensor &dx,
                  const Pass &pass) override;
  void visitParameters(const std::function<void(Parameter &)> &visit) override;
  void visitState(StateVisitor &visitor) override;
  void visitLayers(const std::function<void(Layer &)> &visit) override;

private:
  std::unique_ptr<Sequential> main;
  std::unique_ptr<Sequential> shortcut;
  const FloatTensor *output = nullptr;
  FloatTensor shortcutOutput;
  FloatTensor sumGradient;
  FloatTensor shortcutGradient;
};

} // namespace lpgen::nn

#endif // LPGEN_RUNTIME_NN_CONTAINERS_H
