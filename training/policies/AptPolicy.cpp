// apt: adaptive precision training (Zhang et al. 2019, arXiv 1911.00361).
//
// Activations and weights have 8 bits, gradients 8 or 16 as their statistics
// ask for; each tensor has a power-of-two scale. Weights are kept in float32.
// The statistics measure how far rounding moves the mean of |x|. Stochastic
// rounding of gradients leaves it, so that 8 bits mostly suffice.
#include "training/contractions/IntegerProducts.h"
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
  Result<std::unique_ptr<nn::Products>>
  makeProducts(const nn::LayerSpec &layer) override {
    const auto make = [&](const char *tensor,
                          const quant::AdaptiveOptions &options) {
      return std::make_unique<quant::AdaptiveQuantizer>(layer.name + tensor,
                                                        options);
    };
    return std::unique_ptr<nn::Products>(
        std::make_unique<quant::IntegerProducts>(
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

Result<std::unique_ptr<Policy>> makeAptPolicy(PolicyText &text,
                                              const PolicyContext &context) {
  quant::AdaptiveOptions options;
  const Result<int> mode = text.choice("mode", {"1", "2"});
  LPGEN_RETURN_IF_ERROR(mode.status());
  options.mode = *mode == 0 ? quant::AdaptiveOptions::Mode::Grow
                            : quant::AdaptiveOptions::Mode::Restart;
  const Result<int> bits = text.choice("gradient-bits", {"adaptive", "8"});
  LPGEN_RETURN_IF_ERROR(bits.status());
  options.maxBits = *bits == 0 ? 16 : 8;
  const Result<int> rounding =
      text.choice("rounding", {"stochastic", "nearest"});
  LPGEN_RETURN_IF_ERROR(rounding.status());
  options.rounding =
      *rounding == 0 ? quant::Rounding::Stochastic : quant::Rounding::Nearest;
  const Result<double> threshold =
      text.number("threshold", options.threshold, 0, 1);
  LPGEN_RETURN_IF_ERROR(threshold.status());
  options.threshold = *threshold;
  LPGEN_RETURN_IF_ERROR(text.finish());
  options.initialSteps = context.stepsPerEpoch / 10;
  options.maxInterval = context.stepsPerEpoch;
  assert(context.kernels && "apt multiplies integers");
  return std::unique_ptr<Policy>(
      std::make_unique<AptPolicy>(options, *context.kernels));
}

} // namespace lpgen::train
