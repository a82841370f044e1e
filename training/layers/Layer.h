// Layers: explicit forward and backward over float tensors.
//
// A network is a tree of layers (Sequential, Residual). A training step is
// forward of the root, the loss, backward of the root; then the optimizer
// updates the parameters. Layers keep references to what they were given in
// forward, so inputs live until the backward call is done.
#ifndef LPGEN_TRAINING_LAYERS_LAYER_H
#define LPGEN_TRAINING_LAYERS_LAYER_H

#include "base/system/Status.h"
#include "training/core/FloatTensor.h"
#include "training/core/Parameter.h"
#include "training/core/StepContext.h"
#include <functional>
#include <string>
#include <utility>

namespace lpgen::networks {
class NetworkSink;
} // namespace lpgen::networks

namespace lpgen::nn {

class ContractionBackend;

class Layer {
public:
  explicit Layer(std::string name) : layerName(std::move(name)) {}
  virtual ~Layer() = default;
  Layer(const Layer &) = delete;
  Layer &operator=(const Layer &) = delete;
  const std::string &name() const { return layerName; }

  /// Shapes `y` and fills it.
  virtual Status forward(const FloatTensor &x, FloatTensor &y,
                         const StepContext &context) = 0;
  /// From dL/dy of the last forward call: shapes and fills `dx`, writes the
  /// gradients of the parameters. The scale exponent of `dx` is already that of
  /// `dy`, which most layers leave; gradients of parameters are without scale.
  virtual Status backward(const FloatTensor &dy, FloatTensor &dx,
                          const StepContext &context) = 0;
  virtual void visitParameters(const std::function<void(Parameter &)> &visit) {}
  /// State that is no parameter: running statistics, widths.
  virtual void visitState(StateVisitor &visitor) {}
  /// The products of a layer that has weights, else null.
  virtual const ContractionBackend *backend() const { return nullptr; }
  /// Visits this layer and those inside it, in the order of forward.
  virtual void visitLayers(const std::function<void(Layer &)> &visit) {
    visit(*this);
  }
  /// Adds what the layer computes in Mode::Evaluate to an exported network. The
  /// network has evaluated at least once since its weights last changed.
  virtual Status describe(networks::NetworkSink &network) const {
    return Status::error("layer '" + name() +
                         "' is of a kind that cannot be exported");
  }

private:
  std::string layerName;
};

} // namespace lpgen::nn

#endif // LPGEN_TRAINING_LAYERS_LAYER_H
