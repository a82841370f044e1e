// xnor (Rastegari et al. 2016, arXiv 1603.05279) and binary (Bethge et al.
// 2018, arXiv 1812.01965): activations and weights are signs, the forward
// product runs on them, the gradients are float32.
//
// The first and the last layer are float32. Networks have no relu, behind which
// all signs would be the same, and pool before batch norm. Weights are kept in
// float32 within [-threshold, threshold] and do not decay.
#include "training/contractions/IntegerBackend.h"
#include "training/contractions/OrderedBackend.h"
#include "training/policies/Policies.h"
#include "training/quantizers/FewBitQuantizers.h"
#include <algorithm>
#include <set>

namespace lpgen::train {

namespace {

class BinaryPolicy : public Policy {
public:
  enum class Scaling {
    Filters, ///< Mean |w| of each filter (xnor).
    None     ///< Batch norm has a scale of its own (binary).
  };
  BinaryPolicy(Scaling scaling, float threshold, KernelProvider &kernels)
      : scaling(scaling), threshold(threshold), kernels(&kernels) {}

  Result<std::unique_ptr<nn::ContractionBackend>>
  makeBackend(const nn::LayerSpec &layer) override {
    if (layer.place != nn::LayerPlace::Inner) {
      return std::unique_ptr<nn::ContractionBackend>(
          std::make_unique<nn::OrderedBackend>(layer.geometry));
    }
    const std::string weight = layer.name + ".weight";
    binaryWeights.insert(weight);
    return std::unique_ptr<nn::ContractionBackend>(
        std::make_unique<quant::IntegerBackend>(
            layer.geometry,
            quant::LayerQuantizers{
                quant::makeSign(layer.name + ".input", threshold),
                scaling == Scaling::Filters
                    ? quant::makeXnorWeights(weight)
                    : quant::makeSign(weight, threshold),
                nullptr},
            *kernels));
  }
  nn::Activation activation() const override { return nn::Activation::Sign; }
  void afterUpdate(const std::vector<nn::Parameter *> &parameters,
                   const nn::StepContext &context) override {
    for (nn::Parameter *parameter : parameters) {
      if (!binaryWeights.contains(parameter->name)) {
        continue;
      }
      parameter->decays = false; // Decay would turn signs, not shrink them.
      for (float &weight : parameter->value.values()) {
        weight = std::clamp(weight, -threshold, threshold);
      }
    }
  }

private:
  Scaling scaling;
  float threshold;
  KernelProvider *kernels;
  std::set<std::string> binaryWeights;
};

template <BinaryPolicy::Scaling scaling>
Result<std::unique_ptr<Policy>> make(const PolicyOptions &options,
                                     const PolicyContext &context) {
  return std::unique_ptr<Policy>(std::make_unique<BinaryPolicy>(
      scaling, float(options.number("threshold")), *context.kernels));
}

constexpr PolicyOption xnorOptions[] = {
    PolicyOption::number("threshold", 1, 0.1, 10)};
constexpr PolicyOption binaryOptions[] = {
    PolicyOption::number("threshold", 1.3, 0.1, 10)};

} // namespace

extern const PolicyKind xnorPolicy = {
    "xnor", "signs and a scale of each filter forward, float32 backward",
    Exports, xnorOptions, make<BinaryPolicy::Scaling::Filters>};
extern const PolicyKind binaryPolicy = {
    "binary", "signs forward, float32 backward", Exports, binaryOptions,
    make<BinaryPolicy::Scaling::None>};

} // namespace lpgen::train
