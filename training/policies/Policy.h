// A precision policy: what is rounded where, and how wide.
//
// Order within a step: products of the layers (forward, then backward, with
// whatever the policy quantizes and measures there), gradients unscaled once in
// float32, acceptGradients, optimizer, afterUpdate. A policy is made by name
// from the config; each lives in a file of its own.
#ifndef LPGEN_TRAINING_POLICIES_POLICY_H
#define LPGEN_TRAINING_POLICIES_POLICY_H

#include "training/contractions/LossScaledBackend.h"
#include "training/core/LayerSpec.h"
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace lpgen {
class KernelProvider;
} // namespace lpgen

namespace lpgen::train {

/// What a policy may know about the run.
struct PolicyContext {
  KernelProvider *kernels = nullptr; ///< Null only for float policies.
  int64_t stepsPerEpoch = 1;
  int64_t totalSteps = 1; ///< Of the whole run.
  int64_t batchSize = 1;
};

class Policy {
public:
  virtual ~Policy() = default;

  virtual Result<std::unique_ptr<nn::ContractionBackend>>
  makeBackend(const nn::LayerSpec &layer) = 0;
  /// What the network has between its layers.
  virtual nn::Activation activation() const { return nn::Activation::Relu; }
  /// The loss is multiplied by this before backward, gradients are divided by
  /// it after.
  virtual float lossScale() const { return 1.0F; }
  /// Sees the unscaled gradients; false skips the update of this step.
  virtual bool acceptGradients(const std::vector<nn::Parameter *> &parameters) {
    return true;
  }
  /// The stored weights have changed; also called before the first step.
  virtual void afterUpdate(const std::vector<nn::Parameter *> &parameters,
                           const nn::StepContext &context) {}
  /// A step is done; the mean loss of its batch.
  virtual void afterStep(double loss, const nn::StepContext &context) {}
  /// How often a network sees a batch in one step of training.
  virtual nn::TimePlan timePlan() const { return {}; }
  virtual void visitState(nn::StateVisitor &visitor) {}
  /// The magnitudes with which gradients at this place are stored; none if
  /// their scale follows them, so that a factor changes nothing.
  virtual std::optional<quant::GradientRange>
  gradientRange(nn::LayerPlace place) const {
    return std::nullopt;
  }
};

/// A policy that adds something to another, the base, and is that otherwise.
class PolicyExtension : public Policy {
public:
  explicit PolicyExtension(std::unique_ptr<Policy> base)
      : base(std::move(base)) {}

  Result<std::unique_ptr<nn::ContractionBackend>>
  makeBackend(const nn::LayerSpec &layer) override {
    return base->makeBackend(layer);
  }
  nn::Activation activation() const override { return base->activation(); }
  float lossScale() const override { return base->lossScale(); }
  nn::TimePlan timePlan() const override { return base->timePlan(); }
  bool
  acceptGradients(const std::vector<nn::Parameter *> &parameters) override {
    return base->acceptGradients(parameters);
  }
  void afterUpdate(const std::vector<nn::Parameter *> &parameters,
                   const nn::StepContext &context) override {
    base->afterUpdate(parameters, context);
  }
  void afterStep(double loss, const nn::StepContext &context) override {
    base->afterStep(loss, context);
  }
  void visitState(nn::StateVisitor &visitor) override {
    base->visitState(visitor);
  }
  std::optional<quant::GradientRange>
  gradientRange(nn::LayerPlace place) const override {
    return base->gradientRange(place);
  }

protected:
  std::unique_ptr<Policy> base;
};

/// Makes the policy that `text` names, "apt" or "fixed<il=2,fl=14>", with
/// extensions behind it, "mixed16+adaptive-loss-scale". An error for an unknown
/// name, key or value, and for a combination that makes no sense.
Result<std::unique_ptr<Policy>> makePolicy(const std::string &text,
                                           const PolicyContext &context);

/// The names with their options and defaults, and what each policy does.
std::string policyHelp();

} // namespace lpgen::train

#endif // LPGEN_TRAINING_POLICIES_POLICY_H
