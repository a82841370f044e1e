// Convolution and linear layer: weights, an optional bias, and the Products
// that a policy made for them.
#ifndef LPGEN_TRAINING_LAYERS_PRODUCTLAYER_H
#define LPGEN_TRAINING_LAYERS_PRODUCTLAYER_H

#include "training/contractions/Products.h"
#include "training/layers/Layer.h"
#include <memory>

namespace lpgen::nn {

enum class Bias { No, Yes };
/// The first layer of a network has nobody to hand its input gradient to.
enum class InputGradient { Wanted, NotWanted };

class ProductLayer : public Layer {
public:
  /// Weights are drawn from N(0, 2 / reduction) (He et al.) by `random`, the
  /// bias is 0.
  ProductLayer(std::string name, const ConvGeometry &geometry, Bias bias,
               InputGradient inputGradient, std::unique_ptr<Products> products,
               const RandomKey &random);

  Status forward(const FloatTensor &x, FloatTensor &y,
                 const Pass &pass) override;
  Status backward(const FloatTensor &dy, FloatTensor &dx,
                  const Pass &pass) override;
  void visitParameters(const std::function<void(Parameter &)> &visit) override;
  void visitState(StateVisitor &visitor) override;

  Status describe(networks::NetworkBuilder &network) const override;
  const Products *products() const override { return implementation.get(); }

private:
  ConvGeometry geometry;
  InputGradient wanted;
  std::unique_ptr<Products> implementation;
  Parameter weight;
  Parameter bias; ///< Of no elements if there is none.
  const FloatTensor *input = nullptr;
};

} // namespace lpgen::nn

#endif // LPGEN_TRAINING_LAYERS_PRODUCTLAYER_H
