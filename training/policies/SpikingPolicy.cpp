// ottt: spiking networks, trained online (Xiao et al. 2022, arXiv 2210.04195)
// or by gradients through time. Spikes between layers are activations of one
// bit in kernels; images and the weights of the first and the last layer have 7
// bits, whose codes (-64 to 63) are bytes on either side of zero.
#include "training/contractions/SpikingBackend.h"
#include "training/policies/Policies.h"
#include "training/quantizers/FewBitQuantizers.h"
#include "training/quantizers/Spikes.h"

namespace lpgen::train {

namespace {

constexpr int endBits = 7;

class SpikingPolicy : public Policy {
public:
  SpikingPolicy(int bits, int64_t steps, bool isOnline, KernelProvider &kernels)
      : bits(bits), steps(steps), isOnline(isOnline), kernels(&kernels) {}

  Result<std::unique_ptr<nn::ContractionBackend>>
  makeBackend(const nn::LayerSpec &layer) override {
    const bool isInner = layer.place == nn::LayerPlace::Inner;
    const std::string input = layer.name + ".input";
    quant::LayerQuantizers quantizers = {
        layer.place == nn::LayerPlace::First
            ? quant::makeLsq(input, endBits, quant::LsqTensor::SignedActivation)
            : quant::makeSpikes(input),
        quant::makeLsq(layer.name + ".weight", isInner ? bits : endBits,
                       quant::LsqTensor::Weight),
        nullptr};
    // The last layer has no membrane that would remember earlier spikes.
    if (isOnline && layer.place != nn::LayerPlace::Last) {
      return std::unique_ptr<nn::ContractionBackend>(
          std::make_unique<quant::SpikingBackend>(
              layer.geometry, std::move(quantizers), *kernels));
    }
    return std::unique_ptr<nn::ContractionBackend>(
        std::make_unique<quant::IntegerBackend>(
            layer.geometry, std::move(quantizers), *kernels));
  }
  nn::Activation activation() const override {
    return isOnline ? nn::Activation::OnlineSpikes
                    : nn::Activation::SpikesThroughTime;
  }
  nn::TimePlan timePlan() const override {
    return {steps, isOnline ? 1 : steps};
  }

private:
  int bits;
  int64_t steps;
  bool isOnline;
  KernelProvider *kernels;
};

} // namespace

static Result<std::unique_ptr<Policy>> make(const PolicyOptions &options,
                                            const PolicyContext &context) {
  return std::unique_ptr<Policy>(std::make_unique<SpikingPolicy>(
      int(options.whole("bits")), options.whole("steps"),
      options.choice("gradients") == 0, *context.kernels));
}

static constexpr PolicyOption options[] = {
    PolicyOption::whole("bits", 4, 2, 8),
    PolicyOption::whole("steps", 6, 1, 64),
    PolicyOption::choice("gradients", "online|through-time")};
extern const PolicyKind otttPolicy = {
    "ottt", "spiking networks, spikes of 1 bit by few bits forward", RunsInTime,
    options, make};

} // namespace lpgen::train
