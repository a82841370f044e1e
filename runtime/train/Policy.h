// A precision policy: what is rounded where, and how wide.
//
// Order within a step: products of the layers (forward, then backward, with
// whatever the policy quantizes and measures there), gradients unscaled once in
// float32, acceptGradients, optimizer, afterUpdate. A policy is made by name
// from the config; each lives in a file of its own.
#ifndef LPGEN_RUNTIME_TRAIN_POLICY_H
#define LPGEN_RUNTIME_TRAIN_POLICY_H

#include "runtime/nn/Models.h"
#include <memory>
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
};

class Policy {
public:
  virtual ~Policy() = default;

  virtual Result<std::unique_ptr<nn::Products>>
  makeProducts(const nn::LayerSpec &layer) = 0;
  /// The loss is multiplied by this before backward, gradients are divided by
  /// it after.
  virtual float lossScale() const { return 1.0F; }
  /// Sees the unscaled gradients; false skips the update of this step.
  virtual bool acceptGradients(const std::vector<nn::Parameter *> &parameters) {
    return true;
  }
  /// The stored weights have changed.
  virtual void afterUpdate(const std::vector<nn::Parameter *> &parameters,
                           const nn::Pass &pass) {}
  /// An epoch is done; its mean training loss.
  virtual void afterEpoch(double loss) {}
  virtual void visitState(nn::StateVisitor &visitor) {}
};

/// Makes the policy that `text` names, "apt" or "fixed<il=2,fl=14>". An error
/// for an unknown name, key or value.
Result<std::unique_ptr<Policy>> makePolicy(const std::string &text,
                                           const PolicyContext &context);

/// The names with their options and defaults, for help.
std::string policyNames();

} // namespace lpgen::train

#endif // LPGEN_RUNTIME_TRAIN_POLICY_H
