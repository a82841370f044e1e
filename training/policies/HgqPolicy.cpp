// hgq (Sun et al. 2024, arXiv 2405.00645): fractional bits of each filter and
// of each layer's input are learned beside the weights, under a loss that
// counts bit operations. The forward product runs on integers, the gradients
// are float32.
#include "training/contractions/IntegerBackend.h"
#include "training/policies/Policies.h"
#include "training/quantizers/Hgq.h"
#include <map>
#include <numeric>

namespace lpgen::train {

namespace {

using quant::Hgq;

/// What all layers of a network share.
struct Cost {
  double strength = 0;
  std::map<std::string, double> macs; ///< Of an image, by layer.

  double allMacs() const {
    return std::accumulate(
        macs.begin(), macs.end(), 0.0,
        [](double sum, const auto &layer) { return sum + layer.second; });
  }
};

/// Adds strength / macs times the derivative of
///   bit operations = sum over layers and filters of macs wBits xBits
/// to the gradients of fractional bits.
class HgqBackend : public quant::IntegerBackend {
public:
  /// `input` and `weights` are those of `quantizers`.
  HgqBackend(const nn::LayerSpec &layer, quant::LayerQuantizers quantizers,
             Hgq &input, Hgq &weights, KernelProvider &kernels,
             std::shared_ptr<Cost> cost)
      : IntegerBackend(layer.geometry, std::move(quantizers), kernels),
        name(layer.name), cost(std::move(cost)), input(&input),
        weights(&weights), filterMacs(double(layer.geometry.macs()) /
                                      double(layer.geometry.outputs)) {}

  Status forward(const nn::FloatTensor &x, const nn::FloatTensor &weight,
                 nn::FloatTensor &y, const nn::StepContext &context) override {
    LPGEN_RETURN_IF_ERROR(IntegerBackend::forward(x, weight, y, context));
    if (context.isTraining()) {
      const auto images = double(x.extent(0));
      done.macs += images * filterMacs * double(weights->groupBits().size());
      done.bops += images * filterMacs * weightBits() * inputBits();
    }
    return Status::success();
  }
  Status backward(const nn::FloatTensor &x, const nn::FloatTensor &weight,
                  const nn::FloatTensor &dy, nn::FloatTensor *dWeight,
                  nn::FloatTensor *dx,
                  const nn::StepContext &context) override {
    LPGEN_RETURN_IF_ERROR(
        IntegerBackend::backward(x, weight, dy, dWeight, dx, context));
    const double share = cost->strength * filterMacs / cost->allMacs();
    input->addCost(share * weightBits());
    weights->addCost(share * inputBits());
    return Status::success();
  }
  void visitState(nn::StateVisitor &visitor) override {
    IntegerBackend::visitState(visitor);
    visitWork(visitor, name);
  }

private:
  /// Summed over the filters.
  double weightBits() const {
    const std::vector<int> &bits = weights->groupBits();
    return std::accumulate(bits.begin(), bits.end(), 0.0);
  }
  double inputBits() const { return input->groupBits()[0]; }

  std::string name;
  std::shared_ptr<Cost> cost;
  Hgq *input;
  Hgq *weights;
  double filterMacs; ///< Of an image and a filter.
};

class HgqPolicy : public Policy {
public:
  HgqPolicy(int bits, double strength, KernelProvider &kernels)
      : bits(bits), kernels(&kernels), cost(std::make_shared<Cost>()) {
    cost->strength = strength;
  }
  Result<std::unique_ptr<nn::ContractionBackend>>
  makeBackend(const nn::LayerSpec &layer) override {
    cost->macs[layer.name] = double(layer.geometry.macs());
    auto input = std::make_unique<Hgq>(layer.name + ".input", bits,
                                       quant::HgqGroups::Tensor, 1);
    auto weights = std::make_unique<Hgq>(layer.name + ".weight", bits,
                                         quant::HgqGroups::Filters,
                                         layer.geometry.outputs);
    Hgq &ofInput = *input;
    Hgq &ofWeights = *weights;
    return std::unique_ptr<nn::ContractionBackend>(std::make_unique<HgqBackend>(
        layer,
        quant::LayerQuantizers{std::move(input), std::move(weights), nullptr},
        ofInput, ofWeights, *kernels, cost));
  }

private:
  int bits;
  KernelProvider *kernels;
  std::shared_ptr<Cost> cost;
};

} // namespace

static Result<std::unique_ptr<Policy>> make(const PolicyOptions &options,
                                            const PolicyContext &context) {
  return std::unique_ptr<Policy>(std::make_unique<HgqPolicy>(
      int(options.whole("bits")), options.number("strength"),
      *context.kernels));
}

static constexpr PolicyOption options[] = {
    PolicyOption::number("strength", 0.001, 0, 1000),
    PolicyOption::whole("bits", 8, 2, 8)};
extern const PolicyKind hgqPolicy = {
    "hgq", "learned bits of each filter and input forward, float32 backward",
    Exports | PlainSteps, options, make};

} // namespace lpgen::train
