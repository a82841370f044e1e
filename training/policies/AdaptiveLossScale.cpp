// adaptive-loss-scale: a loss scale for each layer (Zhao et al. 2019, arXiv
// 1910.12385), on top of any policy whose gradients are stored in a format that
// does not follow them. Alone it stands on mixed16 without a global scale.
#include "training/contractions/LossScaledBackend.h"
#include "training/policies/Policies.h"

namespace lpgen::train {

namespace {

class AdaptiveLossScale : public PolicyExtension {
public:
  AdaptiveLossScale(std::unique_ptr<Policy> base,
                    const quant::LossScaleOptions &options)
      : PolicyExtension(std::move(base)), options(options) {}

  Result<std::unique_ptr<nn::ContractionBackend>>
  makeBackend(const nn::LayerSpec &layer) override {
    Result<std::unique_ptr<nn::ContractionBackend>> backend =
        base->makeBackend(layer);
    LPGEN_RETURN_IF_ERROR(backend.status());
    return std::unique_ptr<nn::ContractionBackend>(
        std::make_unique<quant::LossScaledBackend>(
            layer, std::move(*backend), *base->gradientRange(layer.place),
            options));
  }

private:
  quant::LossScaleOptions options;
};

} // namespace

static Result<std::unique_ptr<Policy>> extend(std::unique_ptr<Policy> base,
                                              const PolicyOptions &options,
                                              const PolicyContext &context) {
  if (!base->gradientRange(nn::LayerPlace::Inner)) {
    return Status::error(
        "policy 'adaptive-loss-scale' would change nothing on this policy, "
        "whose gradients have a scale that follows them; combine it with " +
        policiesWith(RangesGradients));
  }
  quant::LossScaleOptions scale;
  scale.underflow = options.number("underflow");
  scale.upperExponent = int(options.whole("upper-exponent"));
  scale.totalExponent = int(options.whole("total-exponent"));
  scale.period = options.whole("period");
  return std::unique_ptr<Policy>(
      std::make_unique<AdaptiveLossScale>(std::move(base), scale));
}

static constexpr quant::LossScaleOptions standard;
static constexpr PolicyOption options[] = {
    PolicyOption::number("underflow", standard.underflow, 1e-6, 0.5),
    PolicyOption::whole("upper-exponent", standard.upperExponent, 0, 30),
    PolicyOption::whole("total-exponent", standard.totalExponent, 0, 60),
    PolicyOption::whole("period", standard.period, 1, 1000000000)};
extern const ExtensionKind adaptiveLossScale = {
    "adaptive-loss-scale",           "a loss scale for each layer",
    Exports | RangesGradients,       options,
    "mixed16<scale=1,grow-after=0>", extend};

} // namespace lpgen::train
