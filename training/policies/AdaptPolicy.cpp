// adapt: weights in fixed point <WL, FL>, a format for each layer that follows
// its weights and gradients (AdaPT, Kummer et al. 2021, arXiv 2107.13490).
//
// Stored weights are float32. Activations and gradients have 8 bits.
#include "training/contractions/IntegerBackend.h"
#include "training/policies/Policies.h"
#include "training/quantizers/AdaptPrecision.h"
#include "training/quantizers/RangeQuantizer.h"
#include <algorithm>
#include <cmath>
#include <vector>

namespace lpgen::train {

namespace {

using quant::AdaptStrategy;

constexpr int otherBits = 8; ///< Of activations and gradients.

class AdaptPolicy : public Policy {
public:
  AdaptPolicy(const quant::AdaptOptions &options, bool normalizes,
              KernelProvider &kernels)
      : options(options), normalizes(normalizes), kernels(&kernels),
        losses(size_t(options.mostLookback)) {}

  Result<std::unique_ptr<nn::ContractionBackend>>
  makeBackend(const nn::LayerSpec &layer) override {
    const auto make = [&](const char *tensor, quant::Rounding rounding) {
      return std::make_unique<quant::RangeQuantizer>(layer.name + tensor,
                                                     otherBits, rounding);
    };
    quant::AdaptPrecision precision(options);
    auto weight = std::make_unique<quant::FixedPointQuantizer>(
        layer.name + ".weight", precision.format());
    layers.push_back({layer.name + ".weight", weight.get(), precision,
                      layer.geometry.outputs * layer.geometry.reduction()});
    return std::unique_ptr<nn::ContractionBackend>(
        std::make_unique<quant::IntegerBackend>(
            layer.geometry,
            quant::LayerQuantizers{
                make(".input", quant::Rounding::Nearest), std::move(weight),
                make(".gradient", quant::Rounding::Stochastic)},
            *kernels));
  }

  bool
  acceptGradients(const std::vector<nn::Parameter *> &parameters) override {
    for (nn::Parameter *parameter : parameters) {
      if (normalizes && parameter->gradient.shape().size() > 1) {
        normalize(parameter->gradient);
      }
    }
    return true;
  }

  void afterUpdate(const std::vector<nn::Parameter *> &parameters,
                   const nn::StepContext &context) override {
    for (Layer &layer : layers) {
      const auto found =
          std::ranges::find(parameters, layer.tensor, &nn::Parameter::name);
      if (found == parameters.end()) { // PyTorch's may be updated apart.
        continue;
      }
      layer.precision.add((*found)->gradient, context);
      // Without any gradient yet the weights are the first ones.
      if (layer.precision.isEmpty() || layer.precision.isDue()) {
        layer.precision.adapt((*found)->value, strategy(),
                              context.random.of("adapt").of(layer.tensor),
                              context);
        layer.quantizer->setFormat(layer.precision.format());
      }
    }
  }

  void afterStep(double loss, const nn::StepContext &context) override {
    const auto known = std::min<int64_t>(numLosses, int64_t(losses.size()));
    double sum = 0;
    for (int64_t i = 0; i < known; ++i) {
      sum += losses[size_t(i)];
    }
    const bool isAbove = known > 0 && loss > sum / double(known);
    level = isAbove ? std::min<int64_t>(level + 1, int64_t(AdaptStrategy::Most))
                    : 0;
    losses[size_t(numLosses) % losses.size()] = loss;
    ++numLosses;
  }

  void visitState(nn::StateVisitor &visitor) override {
    for (Layer &layer : layers) {
      layer.precision.visitState("adapt." + layer.tensor, layer.size, visitor);
      layer.quantizer->setFormat(layer.precision.format());
    }
    visitor.visitFrom<int64_t>("adapt.strategy", level, 0,
                               int64_t(AdaptStrategy::Most));
    visitor.visitFrom<int64_t>("adapt.numLosses", numLosses, 0, INT64_MAX);
    for (size_t i = 0; i < losses.size(); ++i) {
      visitor.visit("adapt.loss" + std::to_string(i), losses[i]);
    }
  }

private:
  struct Layer {
    std::string tensor;
    quant::FixedPointQuantizer *quantizer; ///< The network owns it.
    quant::AdaptPrecision precision;
    int64_t size; ///< Weights.
  };

  AdaptStrategy strategy() const { return AdaptStrategy(level); }
  static void normalize(nn::FloatTensor &gradient) {
    double squares = 0;
    for (const float g : gradient.values()) {
      squares += double(g) * double(g);
    }
    const double norm = std::sqrt(squares);
    for (float &g : gradient.values()) {
      g = norm > 0 ? float(double(g) / norm) : g;
    }
  }

  quant::AdaptOptions options;
  bool normalizes;
  KernelProvider *kernels;
  std::vector<Layer> layers;
  int64_t level = 0; ///< Of the strategy: up by one where the loss is above.
  int64_t numLosses = 0;
  std::vector<double> losses; ///< The last ones, in a ring.
};

} // namespace

static Result<std::unique_ptr<Policy>> make(const PolicyOptions &options,
                                            const PolicyContext &context) {
  quant::AdaptOptions adapt;
  adapt.mostBits = int(options.whole("most-bits"));
  adapt.buffer = int(options.whole("buffer"));
  adapt.divergence = options.number("divergence");
  adapt.leastLookback = options.whole("least-lookback");
  adapt.mostLookback = options.whole("most-lookback");
  if (adapt.leastLookback > adapt.mostLookback) {
    return Status::error("policy 'adapt': least-lookback is " +
                         std::to_string(adapt.leastLookback) +
                         ", expected at most most-lookback, " +
                         std::to_string(adapt.mostLookback));
  }
  assert(context.kernels && "adapt multiplies integers");
  return std::unique_ptr<Policy>(std::make_unique<AdaptPolicy>(
      adapt, options.choice("gradients") == 1, *context.kernels));
}

static constexpr PolicyOption options[] = {
    PolicyOption::whole("most-bits", quant::AdaptOptions().mostBits, 8, 16),
    PolicyOption::whole("buffer", quant::AdaptOptions().buffer, 1, 7),
    PolicyOption::number("divergence", quant::AdaptOptions().divergence, 0, 1),
    PolicyOption::whole("least-lookback", quant::AdaptOptions().leastLookback,
                        1, 10000),
    PolicyOption::whole("most-lookback", quant::AdaptOptions().mostLookback, 1,
                        10000),
    PolicyOption::choice("gradients", "plain|unit")};
extern const PolicyKind adaptPolicy = {
    "adapt", "weights in fixed point, whose format follows them, by layer",
    Exports | NarrowsSums, options, make};

} // namespace lpgen::train
