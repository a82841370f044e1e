// float32: IEEE single precision by OpenBLAS, the baseline.
#include "training/contractions/OrderedBackend.h"
#include "training/policies/Policies.h"
#include <limits>

namespace lpgen::train {

namespace {

class Float32Policy : public Policy {
public:
  Result<std::unique_ptr<nn::ContractionBackend>>
  makeBackend(const nn::LayerSpec &layer) override {
    if (layer.geometry.groups != 1) {
      return std::unique_ptr<nn::ContractionBackend>(
          std::make_unique<nn::FloatBackend>(layer.geometry));
    }
    return std::unique_ptr<nn::ContractionBackend>(
        std::make_unique<nn::OrderedBackend>(layer.geometry));
  }
  std::optional<quant::GradientRange>
  gradientRange(nn::LayerPlace place) const override {
    return quant::GradientRange{std::numeric_limits<float>::min(),
                                std::numeric_limits<float>::max()};
  }
};

} // namespace

static Result<std::unique_ptr<Policy>> make(const PolicyOptions &options,
                                            const PolicyContext &context) {
  return std::unique_ptr<Policy>(std::make_unique<Float32Policy>());
}

extern const PolicyKind float32Policy = {"float32",
                                         "IEEE single precision by OpenBLAS",
                                         Exports | NarrowsSums |
                                             RangesGradients | PlainSteps,
                                         {},
                                         make};

} // namespace lpgen::train
