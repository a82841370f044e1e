// adaptive-loss-scale: a loss scale for each layer (Zhao et al. 2019, arXiv
// 1910.12385), on top of any policy whose gradients are stored in a format that
// does not follow them. Alone it stands on mixed16 without a global scale.
#include "training/contractions/LossScaledProducts.h"
#include "training/policies/Policies.h"

namespace lpgen::train {

namespace {

class AdaptiveLossScale : public PolicyExtension {
public:
  AdaptiveLossScale(std::unique_ptr<Policy> base,
                    const quant::LossScaleOptions &options)
      : PolicyExtension(std::move(base)), options(options) {}

  Result<std::unique_ptr<nn::Products>>
  makeProducts(const nn::LayerSpec &layer) override {
    Result<std::unique_ptr<nn::Products>> products = base->makeProducts(layer);
    LPGEN_RETURN_IF_ERROR(products.status());
    return std::unique_ptr<nn::Products>(
        std::make_unique<quant::LossScaledProducts>(
            layer, std::move(*products), *base->gradientRange(layer.place),
            options));
  }

private:
  quant::LossScaleOptions options;
};

} // namespace

Result<std::unique_ptr<Policy>>
extendByAdaptiveLossScale(std::unique_ptr<Policy> base, PolicyText &text,
                          const PolicyContext &context) {
  quant::LossScaleOptions options;
  const Result<double> underflow =
      text.number("underflow", options.underflow, 1e-6, 0.5);
  LPGEN_RETURN_IF_ERROR(underflow.status());
  const Result<int64_t> upper =
      text.integer("upper-exponent", options.upperExponent, 0, 30);
  LPGEN_RETURN_IF_ERROR(upper.status());
  const Result<int64_t> total =
      text.integer("total-exponent", options.totalExponent, 0, 60);
  LPGEN_RETURN_IF_ERROR(total.status());
  const Result<int64_t> period =
      text.integer("period", options.period, 1, 1000000000);
  LPGEN_RETURN_IF_ERROR(period.status());
  LPGEN_RETURN_IF_ERROR(text.finish());
  if (!base->gradientRange(nn::LayerPlace::Inner)) {
    return Status::error(
        "policy 'adaptive-loss-scale' would change nothing on this policy, "
        "whose gradients have a scale that follows them; combine it with "
        "float32, mixed16, fp8 or fixed");
  }
  options.underflow = *underflow;
  options.upperExponent = int(*upper);
  options.totalExponent = int(*total);
  options.period = *period;
  return std::unique_ptr<Policy>(
      std::make_unique<AdaptiveLossScale>(std::move(base), options));
}

} // namespace lpgen::train
