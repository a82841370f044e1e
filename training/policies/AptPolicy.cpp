// apt: adaptive precision training (Zhang et al. 2019, arXiv 1911.00361).
//
// Activations and weights have 8 bits, gradients 8 or 16 as their statistics
// ask for; each tensor has a power-of-two scale. Weights are kept in float32.
// The statistics measure how far rounding moves the mean of |x|. Stochastic
// rounding of gradients leaves it, so that 8 bits mostly suffice.
#include "training/contractions/IntegerBackend.h"
#include "training/policies/Policies.h"
#include "training/quantizers/AdaptiveQuantizer.h"

namespace lpgen::train {

namespace {

class AptPolicy : public Policy {
public:
  AptPolicy(const quant::AdaptiveOptions &gradients, KernelProvider &kernels)
      : gradients(gradients), operands(gradients), kernels(&kernels) {
    operands.maxBits = operands.minBits;
    operands.rounding = quant::Rounding::Nearest;
  }
  Result<std::unique_ptr<nn::ContractionBackend>>
  makeBackend(const nn::LayerSpec &layer) override {
    const auto make = [&](const char *tensor,
                          const quant::AdaptiveOptions &options) {
      return std::make_unique<quant::AdaptiveQuantizer>(layer.name + tensor,
                                                        options);
    };
    return std::unique_ptr<nn::ContractionBackend>(
        std::make_unique<quant::IntegerBackend>(
            layer.geometry,
            quant::LayerQuantizers{make(".input", operands),
                                   make(".weight", operands),
                                   make(".gradient", gradients)},
            *kernels));
  }

private:
  quant::AdaptiveOptions gradients;
  quant::AdaptiveOptions operands; ///< Activations and weights.
  KernelProvider *kernels;
};

} // namespace

static Result<std::unique_ptr<Policy>> make(const PolicyOptions &options,
                                            const PolicyContext &context) {
  quant::AdaptiveOptions adaptive;
  adaptive.mode = options.choice("mode") == 0
                      ? quant::AdaptiveOptions::Mode::Grow
                      : quant::AdaptiveOptions::Mode::Restart;
  adaptive.maxBits = options.choice("gradient-bits") == 0 ? 16 : 8;
  adaptive.rounding = options.choice("rounding") == 0
                          ? quant::Rounding::Stochastic
                          : quant::Rounding::Nearest;
  adaptive.threshold = options.number("threshold");
  adaptive.initialSteps = context.stepsPerEpoch / 10;
  adaptive.maxInterval = context.stepsPerEpoch;
  assert(context.kernels && "apt multiplies integers");
  return std::unique_ptr<Policy>(
      std::make_unique<AptPolicy>(adaptive, *context.kernels));
}

static constexpr PolicyOption options[] = {
    PolicyOption::choice("mode", "1|2"),
    PolicyOption::choice("gradient-bits", "adaptive|8"),
    PolicyOption::choice("rounding", "stochastic|nearest"),
    PolicyOption::number("threshold", quant::AdaptiveOptions().threshold, 0,
                         1)};
extern const PolicyKind aptPolicy = {
    "apt", "8-bit activations and weights, 8- or 16-bit gradients",
    Exports | NarrowsSums | PlainSteps, options, make};

} // namespace lpgen::train
