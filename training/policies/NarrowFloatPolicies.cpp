// mixed16 (Micikevicius et al. 2018, arXiv 1710.03740) and fp8 (Mellempudi et
// al. 2019, arXiv 1905.12334): narrow float storage, emulated.
#include "training/contractions/EmulatedBackend.h"
#include "training/policies/LossScale.h"
#include "training/policies/Policies.h"

namespace lpgen::train {

namespace {

using quant::Overflow;
using quant::Rounding;

/// fp16 operands and gradients, float32 weights.
class Mixed16Policy : public Policy {
public:
  explicit Mixed16Policy(const DynamicLossScale &scale) : scale(scale) {}

  Result<std::unique_ptr<nn::ContractionBackend>>
  makeBackend(const nn::LayerSpec &layer) override {
    const quant::StorageFormat half = {quant::fp16, Rounding::Nearest,
                                       Overflow::Infinity};
    return std::unique_ptr<nn::ContractionBackend>(
        std::make_unique<quant::EmulatedBackend>(
            layer, quant::LayerFormats{half, half}));
  }
  float lossScale() const override { return scale.value(); }
  bool
  acceptGradients(const std::vector<nn::Parameter *> &parameters) override {
    return scale.accept(parameters);
  }
  void visitState(nn::StateVisitor &visitor) override {
    scale.visitState(visitor);
  }
  std::optional<quant::GradientRange>
  gradientRange(nn::LayerPlace place) const override {
    return quant::GradientRange{quant::fp16.least(), quant::fp16.max()};
  }

private:
  DynamicLossScale scale;
};

/// E5M2 operands to nearest and gradients stochastically, the first and the
/// last layer in fp16; weights are kept in fp16, rounded stochastically after
/// each update.
class Fp8Policy : public Mixed16Policy {
public:
  using Mixed16Policy::Mixed16Policy;

  Result<std::unique_ptr<nn::ContractionBackend>>
  makeBackend(const nn::LayerSpec &layer) override {
    if (layer.place != nn::LayerPlace::Inner) {
      return Mixed16Policy::makeBackend(layer);
    }
    return std::unique_ptr<nn::ContractionBackend>(
        std::make_unique<quant::EmulatedBackend>(
            layer,
            quant::LayerFormats{
                {quant::e5m2, Rounding::Nearest, Overflow::Saturate},
                {quant::e5m2, Rounding::Stochastic, Overflow::Infinity}}));
  }
  std::optional<quant::GradientRange>
  gradientRange(nn::LayerPlace place) const override {
    return place == nn::LayerPlace::Inner
               ? quant::GradientRange{quant::e5m2.least(), quant::e5m2.max()}
               : Mixed16Policy::gradientRange(place);
  }
  void afterUpdate(const std::vector<nn::Parameter *> &parameters,
                   const nn::StepContext &context) override {
    for (nn::Parameter *parameter : parameters) {
      roundToFormat(quant::fp16, parameter->value.values(),
                    Rounding::Stochastic, context.random.of(parameter->name),
                    Overflow::Saturate, context);
    }
  }
};

/// The loss scale that the options of either policy describe.
Result<DynamicLossScale> readLossScale(const char *policy,
                                       const PolicyOptions &options) {
  const double scale = options.number("scale");
  const double floor = options.number("floor");
  if (options.isGiven("floor") && floor > scale) {
    return outsideError("policy '" + std::string(policy) + "'", "floor",
                        std::to_string(int64_t(floor)), 1, scale);
  }
  return DynamicLossScale(float(scale), float(floor),
                          options.whole("grow-after"));
}

template <typename Narrow>
Result<std::unique_ptr<Policy>> make(const char *policy,
                                     const PolicyOptions &options) {
  const Result<DynamicLossScale> scale = readLossScale(policy, options);
  LPGEN_RETURN_IF_ERROR(scale.status());
  return std::unique_ptr<Policy>(std::make_unique<Narrow>(*scale));
}

Result<std::unique_ptr<Policy>> makeMixed16(const PolicyOptions &options,
                                            const PolicyContext & /*context*/) {
  return make<Mixed16Policy>("mixed16", options);
}

Result<std::unique_ptr<Policy>> makeFp8(const PolicyOptions &options,
                                        const PolicyContext & /*context*/) {
  return make<Fp8Policy>("fp8", options);
}

constexpr PolicyOption growAfter =
    PolicyOption::whole("grow-after", 2000, 0, 1000000000);
constexpr PolicyOption mixed16Options[] = {
    PolicyOption::number("scale", 65536, 1, 0x1p24),
    PolicyOption::number("floor", 1, 1, 0x1p24), growAfter};
constexpr PolicyOption fp8Options[] = {
    PolicyOption::number("scale", 1024, 1, 0x1p24),
    PolicyOption::number("floor", 256, 1, 0x1p24), growAfter};

} // namespace

extern const PolicyKind mixed16Policy = {
    "mixed16", "fp16 storage, float32 weights, a dynamic loss scale; emulated",
    NarrowsSums | RangesGradients, mixed16Options, makeMixed16};
extern const PolicyKind fp8Policy = {
    "fp8", "E5M2 storage, fp16 weights, stochastic rounding; emulated",
    NarrowsSums | RangesGradients, fp8Options, makeFp8};

} // namespace lpgen::train
