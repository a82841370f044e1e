// resistive: training on emulated arrays of resistive devices (Gokmen et al.
// 2017). Weights are conductances, changed by pulses.
#include "training/contractions/ResistiveBackend.h"
#include "training/policies/Policies.h"
#include <algorithm>
#include <cmath>
#include <map>

namespace lpgen::train {

namespace {

struct Devices {
  double pulse = 0.001; ///< Mean change of a weight.
  double spread = 0.3;  ///< Its standard deviation, relative.
  double weightBound = 0.6;
};

class ResistivePolicy : public Policy {
public:
  ResistivePolicy(const nn::ResistiveArray &array, const Devices &devices,
                  int64_t batchSize)
      : array(array), devices(devices), batchSize(batchSize) {}

  Result<std::unique_ptr<nn::ContractionBackend>>
  makeBackend(const nn::LayerSpec &layer) override {
    return std::unique_ptr<nn::ContractionBackend>(
        std::make_unique<nn::ResistiveBackend>(layer, array));
  }
  /// Gradients of images, not of their mean, meet the noise.
  float lossScale() const override { return float(batchSize); }
  void afterUpdate(const std::vector<nn::Parameter *> &parameters,
                   const nn::StepContext &context) override;
  void visitState(nn::StateVisitor &visitor) override {
    for (auto &[name, weights] : stored) {
      visitor.visit("resistive.stored." + name, weights);
    }
  }

private:
  nn::ResistiveArray array;
  Devices devices;
  int64_t batchSize;
  /// Weights of products by name: layers of PyTorch come one at a time.
  std::map<std::string, nn::FloatTensor> stored;
};

/// Of the change c that was asked for, floor(|c| / pulse + u) pulses come, each
/// of its own size.
void ResistivePolicy::afterUpdate(
    const std::vector<nn::Parameter *> &parameters,
    const nn::StepContext &context) {
  const auto bound = float(devices.weightBound);
  const auto pulse = float(devices.pulse);
  for (nn::Parameter *parameter : parameters) {
    nn::FloatTensor &value = parameter->value;
    if (value.shape().size() != 4) {
      continue;
    }
    const auto [place, isNew] =
        stored.try_emplace(parameter->name, value.shape());
    nn::FloatTensor &before = place->second;
    if (isNew) {
      for (int64_t i = 0; i < value.size(); ++i) {
        value[i] = std::clamp(value[i], -bound, bound);
        before[i] = value[i];
      }
      continue;
    }
    const nn::RandomKey key = context.random.of("pulses").of(parameter->name);
    nn::forEachPart(context, value.size(), [&](int, TaskRange range) {
      for (int64_t i = range.begin; i < range.end; ++i) {
        const float asked = value[i] - before[i];
        // In binary64 the sum is exact where it matters: up with the
        // probability of the fraction.
        const auto pulses = float(std::floor(double(std::fabs(asked) / pulse) +
                                             double(key.uniform(uint64_t(i)))));
        const float size =
            pulse * (pulses + float(devices.spread) * std::sqrt(pulses) *
                                  key.of("spread").normal(uint64_t(i)));
        value[i] =
            std::clamp(before[i] + (asked < 0 ? -size : size), -bound, bound);
        before[i] = value[i];
      }
    });
  }
}

} // namespace

static Result<std::unique_ptr<Policy>> make(const PolicyOptions &options,
                                            const PolicyContext &context) {
  const int managed = options.choice("management");
  return std::unique_ptr<Policy>(std::make_unique<ResistivePolicy>(
      nn::ResistiveArray{options.number("noise"), options.number("bound"),
                         managed == 0 || managed == 2,
                         managed == 0 || managed == 3},
      Devices{options.number("pulse"), options.number("spread"),
              options.number("weight-bound")},
      context.batchSize));
}

static constexpr PolicyOption options[] = {
    PolicyOption::number("noise", nn::ResistiveArray().noise, 0, 1000),
    PolicyOption::number("bound", nn::ResistiveArray().bound, 1e-6, 1e6),
    PolicyOption::choice("management", "both|none|noise|bound"),
    PolicyOption::number("pulse", Devices().pulse, 1e-9, 1),
    PolicyOption::number("spread", Devices().spread, 0, 10),
    PolicyOption::number("weight-bound", Devices().weightBound, 1e-6, 1e6)};
extern const PolicyKind resistivePolicy = {
    "resistive", "arrays of resistive devices, with noise and bounds, emulated",
    0, options, make};

} // namespace lpgen::train
