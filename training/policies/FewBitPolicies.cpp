// lsq, dorefa and pact: networks that are trained to run at 1 to 8 bits. The
// forward product runs on integers, the gradients are float32.
//
// The first and the last layer have 8 bits in lsq and are float32 in the
// others, as in the papers.
#include "training/contractions/IntegerBackend.h"
#include "training/contractions/OrderedBackend.h"
#include "training/policies/Policies.h"
#include "training/quantizers/FewBitQuantizers.h"

namespace lpgen::train {

namespace {

using MadeBackend = Result<std::unique_ptr<nn::ContractionBackend>>;

class LsqPolicy : public Policy {
public:
  LsqPolicy(int bits, KernelProvider &kernels)
      : bits(bits), kernels(&kernels) {}
  MadeBackend makeBackend(const nn::LayerSpec &layer) override {
    const int width = layer.place == nn::LayerPlace::Inner ? bits : 8;
    // Images have both signs, what comes after relu has one.
    const quant::LsqTensor input = layer.place == nn::LayerPlace::First
                                       ? quant::LsqTensor::SignedActivation
                                       : quant::LsqTensor::Activation;
    return std::unique_ptr<nn::ContractionBackend>(
        std::make_unique<quant::IntegerBackend>(
            layer.geometry,
            quant::LayerQuantizers{
                quant::makeLsq(layer.name + ".input", width, input),
                quant::makeLsq(layer.name + ".weight", width,
                               quant::LsqTensor::Weight),
                nullptr},
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

  MadeBackend makeBackend(const nn::LayerSpec &layer) override {
    if (layer.place != nn::LayerPlace::Inner) {
      return std::unique_ptr<nn::ContractionBackend>(
          std::make_unique<nn::OrderedBackend>(layer.geometry));
    }
    const std::string tensor = layer.name + ".input";
    return std::unique_ptr<nn::ContractionBackend>(
        std::make_unique<quant::IntegerBackend>(
            layer.geometry,
            quant::LayerQuantizers{
                activations == Activations::Pact
                    ? quant::makePact(tensor, activationBits)
                    : quant::makeDorefaActivations(tensor, activationBits),
                quant::makeDorefaWeights(layer.name + ".weight", weightBits),
                nullptr},
            *kernels));
  }

private:
  int weightBits;
  int activationBits;
  Activations activations;
  KernelProvider *kernels;
};

} // namespace

static Result<std::unique_ptr<Policy>> makeLsq(const PolicyOptions &options,
                                               const PolicyContext &context) {
  return std::unique_ptr<Policy>(std::make_unique<LsqPolicy>(
      int(options.whole("bits")), *context.kernels));
}

static constexpr PolicyOption lsqOptions[] = {
    PolicyOption::whole("bits", 4, 2, 8)};
extern const PolicyKind lsqPolicy = {
    "lsq", "few bits with trained steps forward, float32 backward",
    Exports | PlainSteps, lsqOptions, makeLsq};

static Result<std::unique_ptr<Policy>>
makeDorefa(const PolicyOptions &options, const PolicyContext &context) {
  return std::unique_ptr<Policy>(std::make_unique<ClippedPolicy>(
      int(options.whole("weights")), int(options.whole("activations")),
      ClippedPolicy::Activations::Dorefa, *context.kernels));
}

static constexpr PolicyOption dorefaOptions[] = {
    PolicyOption::whole("weights", 1, 1, 8),
    PolicyOption::whole("activations", 2, 1, 8)};
extern const PolicyKind dorefaPolicy = {
    "dorefa", "few bits forward, float32 backward", Exports | PlainSteps,
    dorefaOptions, makeDorefa};

static Result<std::unique_ptr<Policy>> makePact(const PolicyOptions &options,
                                                const PolicyContext &context) {
  const int bits = int(options.whole("bits"));
  return std::unique_ptr<Policy>(std::make_unique<ClippedPolicy>(
      bits, bits, ClippedPolicy::Activations::Pact, *context.kernels));
}

static constexpr PolicyOption pactOptions[] = {
    PolicyOption::whole("bits", 4, 1, 8)};
extern const PolicyKind pactPolicy = {
    "pact", "few bits with trained ranges forward, float32 backward",
    Exports | PlainSteps, pactOptions, makePact};

} // namespace lpgen::train
