// lsq, dorefa and pact: networks that are trained to run at 1 to 8 bits. The
// forward product runs on integers, the gradients are float32.
//
// The first and the last layer have 8 bits in lsq and are float32 in the
// others, as in the papers.
#include "training/contractions/OrderedProducts.h"
#include "training/contractions/TrainedProducts.h"
#include "training/policies/Policies.h"

namespace lpgen::train {

namespace {

using Products = Result<std::unique_ptr<nn::Products>>;

class LsqPolicy : public Policy {
public:
  LsqPolicy(int bits, KernelProvider &kernels)
      : bits(bits), kernels(&kernels) {}
  Products makeProducts(const nn::LayerSpec &layer) override {
    const int width = layer.place == nn::LayerPlace::Inner ? bits : 8;
    // Images have both signs, what comes after relu has one.
    const quant::LsqTensor input = layer.place == nn::LayerPlace::First
                                       ? quant::LsqTensor::SignedActivation
                                       : quant::LsqTensor::Activation;
    return std::unique_ptr<nn::Products>(
        std::make_unique<quant::TrainedProducts>(
            layer.geometry, quant::makeLsq(layer.name + ".input", width, input),
            quant::makeLsq(layer.name + ".weight", width,
                           quant::LsqTensor::Weight),
            *kernels));
  }

private:
  int bits;
  KernelProvider *kernels;
};

/// DoReFa's weights, with its activations or those of PACT.
class ClippedPolicy : public Policy {
public:
  enum class Activations { Dorefa, Pact };
  ClippedPolicy(int weightBits, int activationBits, Activations activations,
                KernelProvider &kernels)
      : weightBits(weightBits), activationBits(activationBits),
        activations(activations), kernels(&kernels) {}

  Products makeProducts(const nn::LayerSpec &layer) override {
    if (layer.place != nn::LayerPlace::Inner) {
      return std::unique_ptr<nn::Products>(
          std::make_unique<nn::OrderedProducts>(layer.geometry));
    }
    const std::string tensor = layer.name + ".input";
    return std::unique_ptr<nn::Products>(
        std::make_unique<quant::TrainedProducts>(
            layer.geometry,
            activations == Activations::Pact
                ? quant::makePact(tensor, activationBits)
                : quant::makeDorefaActivations(tensor, activationBits),
            quant::makeDorefaWeights(layer.name + ".weight", weightBits),
            *kernels));
  }

private:
  int weightBits;
  int activationBits;
  Activations activations;
  KernelProvider *kernels;
};

} // namespace

Result<std::unique_ptr<Policy>> makeLsqPolicy(PolicyText &text,
                                              const PolicyContext &context) {
  const Result<int64_t> bits = text.integer("bits", 4, 2, 8);
  LPGEN_RETURN_IF_ERROR(bits.status());
  LPGEN_RETURN_IF_ERROR(text.finish());
  return std::unique_ptr<Policy>(
      std::make_unique<LsqPolicy>(int(*bits), *context.kernels));
}

Result<std::unique_ptr<Policy>> makeDorefaPolicy(PolicyText &text,
                                                 const PolicyContext &context) {
  const Result<int64_t> weights = text.integer("weights", 1, 1, 8);
  LPGEN_RETURN_IF_ERROR(weights.status());
  const Result<int64_t> activations = text.integer("activations", 2, 1, 8);
  LPGEN_RETURN_IF_ERROR(activations.status());
  LPGEN_RETURN_IF_ERROR(text.finish());
  return std::unique_ptr<Policy>(std::make_unique<ClippedPolicy>(
      int(*weights), int(*activations), ClippedPolicy::Activations::Dorefa,
      *context.kernels));
}

Result<std::unique_ptr<Policy>> makePactPolicy(PolicyText &text,
                                               const PolicyContext &context) {
  const Result<int64_t> bits = text.integer("bits", 4, 1, 8);
  LPGEN_RETURN_IF_ERROR(bits.status());
  LPGEN_RETURN_IF_ERROR(text.finish());
  return std::unique_ptr<Policy>(std::make_unique<ClippedPolicy>(
      int(*bits), int(*bits), ClippedPolicy::Activations::Pact,
      *context.kernels));
}

} // namespace lpgen::train
