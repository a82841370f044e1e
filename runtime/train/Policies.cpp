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
    KnownPolicy{"fixed",
                "fixed<il=6,fl=10,scale=128,rounding=stochastic|nearest>",
                makeFixedPolicy},
    KnownPolicy{"mixed16", "mixed16<scale=65536,floor=1,grow-after=2000>",
                makeMixed16Policy},
    KnownPolicy{"fp8", "fp8<scale=1024,floor=256,grow-after=2000>",
                makeFp8Policy},
    KnownPolicy{"lsq", "lsq<bits=4>", makeLsqPolicy},
    KnownPolicy{"dorefa", "dorefa<weights=1,activations=2>", makeDorefaPolicy},
    KnownPolicy{"pact", "pact<bits=4>", makePactPolicy},
    KnownPolicy{"pfq", "pfq<epsilon=0.05,decay=0.3>", makePfqPolicy},
    KnownPolicy{"static", "static<bits=8,gradient-bits=8>", makeStaticPolicy},
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
