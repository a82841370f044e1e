// The table of policies, and the simplest of them.
#include "runtime/train/Policies.h"
#include "runtime/nn/FloatProducts.h"
#include <array>

namespace lpgen::train {

namespace {

class Float32Policy : public Policy {
public:
  Result<std::unique_ptr<nn::Products>>
  makeProducts(const nn::LayerSpec &layer) override {
    return std::unique_ptr<nn::Products>(
        std::make_unique<nn::FloatProducts>(layer.geometry));
  }
};

struct KnownPolicy {
  const char *name;
  const char *usage;
  Result<std::unique_ptr<Policy>> (*make)(PolicyText &text,
                                          const PolicyContext &context);
};

} // namespace

Result<std::unique_ptr<Policy>>
makeFloat32Policy(PolicyText &text, const PolicyContext &context) {
  LPGEN_RETURN_IF_ERROR(text.finish());
  return std::unique_ptr<Policy>(std::make_unique<Float32Policy>());
}

static constexpr std::array policies = {
    KnownPolicy{"float32", "float32", makeFloat32Policy},
    KnownPolicy{"apt", "apt<mode=1|2,gradient-bits=adaptive|8,threshold=0.03>",
                makeAptPolicy},
};

std::string policyNames() {
  std::string names;
  for (const KnownPolicy &policy : policies) {
    names += (names.empty() ? "" : ", ") + std::string(policy.usage);
  }
  return names;
}

Result<std::unique_ptr<Policy>> makePolicy(const std::string &text,
                                           const PolicyContext &context) {
  Result<PolicyText> parsed = PolicyText::parse(text);
  LPGEN_RETURN_IF_ERROR(parsed.status());
  for (const KnownPolicy &policy : policies) {
    if (parsed->name() == policy.name) {
      return policy.make(*parsed, context);
    }
  }
  return Status::error("unknown policy '" + parsed->name() +
                       "', expected one of " + policyNames());
}

} // namespace lpgen::train
