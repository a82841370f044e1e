// The table of policies, and the simplest of them.
#include "training/policies/Policies.h"
#include "training/contractions/FloatProducts.h"
#include <algorithm>
#include <array>
#include <limits>

namespace lpgen::train {

namespace {

class Float32Policy : public Policy {
public:
  Result<std::unique_ptr<nn::Products>>
  makeProducts(const nn::LayerSpec &layer) override {
    return std::unique_ptr<nn::Products>(
        std::make_unique<nn::FloatProducts>(layer.geometry));
  }
  std::optional<quant::GradientRange>
  gradientRange(nn::LayerPlace place) const override {
    return quant::GradientRange{std::numeric_limits<float>::min(),
                                std::numeric_limits<float>::max()};
  }
};

/// What networks of a policy can do that those of others cannot.
enum Trait : unsigned {
  Exports = 1,    ///< Products are integers that a program can compute.
  NarrowsSums = 2 ///< Sums can be narrower than they need to be.
};

struct KnownPolicy {
  const char *name;
  unsigned traits;
  const char *usage;
  Result<std::unique_ptr<Policy>> (*make)(PolicyText &text,
                                          const PolicyContext &context);
};

struct KnownExtension {
  const char *name;
  unsigned traits; ///< Those that it leaves to its base.
  const char *usage;
  const char *base; ///< What it stands on if it is named alone.
  Result<std::unique_ptr<Policy>> (*extend)(std::unique_ptr<Policy> base,
                                            PolicyText &text,
                                            const PolicyContext &context);
};

} // namespace

Result<std::unique_ptr<Policy>>
makeFloat32Policy(PolicyText &text, const PolicyContext &context) {
  LPGEN_RETURN_IF_ERROR(text.finish());
  return std::unique_ptr<Policy>(std::make_unique<Float32Policy>());
}

static constexpr std::array policies = {
    KnownPolicy{"float32", NarrowsSums, "float32", makeFloat32Policy},
    KnownPolicy{"apt", Exports | NarrowsSums,
                "apt<mode=1|2,gradient-bits=adaptive|8,rounding=stochastic|"
                "nearest,threshold=0.03>",
                makeAptPolicy},
    KnownPolicy{"fixed", Exports | NarrowsSums,
                "fixed<il=6,fl=10,scale=128,rounding=stochastic|nearest>",
                makeFixedPolicy},
    KnownPolicy{"mixed16", NarrowsSums,
                "mixed16<scale=65536,floor=1,grow-after=2000>",
                makeMixed16Policy},
    KnownPolicy{"fp8", NarrowsSums, "fp8<scale=1024,floor=256,grow-after=2000>",
                makeFp8Policy},
    KnownPolicy{"lsq", Exports, "lsq<bits=4>", makeLsqPolicy},
    KnownPolicy{"dorefa", Exports, "dorefa<weights=1,activations=2>",
                makeDorefaPolicy},
    KnownPolicy{"pact", Exports, "pact<bits=4>", makePactPolicy},
    KnownPolicy{"xnor", Exports, "xnor<threshold=1>", makeXnorPolicy},
    KnownPolicy{"binary", Exports, "binary<threshold=1.3>", makeBinaryPolicy},
    KnownPolicy{"pfq", Exports | NarrowsSums,
                "pfq<epsilon=0.03,decay=0.3,period=RUN/64>", makePfqPolicy},
    KnownPolicy{"dynasty", Exports, "dynasty<budget=16,block=32,period=50>",
                makeDynastyPolicy},
    KnownPolicy{"static", Exports | NarrowsSums,
                "static<bits=8,gradient-bits=8>", makeStaticPolicy},
};

static constexpr std::array extensions = {
    KnownExtension{"adaptive-loss-scale", Exports,
                   "adaptive-loss-scale<underflow=0.001,upper-exponent=4,"
                   "total-exponent=10,period=1>",
                   "mixed16<scale=1,grow-after=0>", extendByAdaptiveLossScale},
    KnownExtension{"accumulators", 0,
                   "accumulators<offset=0,chunk=0,adder=truncating|nearest,"
                   "product-mantissa=5,"
                   "integers=statistical|exact,sigmas=6>",
                   "float32", extendByAccumulators},
};

template <typename Table>
static std::string usagesOf(const Table &table) {
  std::string usages;
  for (const auto &entry : table) {
    usages += (usages.empty() ? "" : ", ") + std::string(entry.usage);
  }
  return usages;
}

std::string policyNames() {
  return usagesOf(policies) + "; behind a '+': " + usagesOf(extensions);
}

template <typename Table>
static auto *findByName(const Table &table, const std::string &name) {
  const auto found = std::ranges::find_if(
      table, [&](const auto &entry) { return entry.name == name; });
  return found == table.end() ? nullptr : &*found;
}

static Result<std::unique_ptr<Policy>> makeBase(const std::string &text,
                                                const PolicyContext &context) {
  Result<PolicyText> parsed = PolicyText::parse(text);
  LPGEN_RETURN_IF_ERROR(parsed.status());
  if (const KnownPolicy *known = findByName(policies, parsed->name())) {
    return known->make(*parsed, context);
  }
  return Status::error("unknown policy '" + parsed->name() +
                       "', expected one of " + policyNames());
}

static Result<std::unique_ptr<Policy>> extend(std::unique_ptr<Policy> base,
                                              const std::string &text,
                                              const PolicyContext &context) {
  Result<PolicyText> parsed = PolicyText::parse(text);
  LPGEN_RETURN_IF_ERROR(parsed.status());
  if (const KnownExtension *known = findByName(extensions, parsed->name())) {
    return known->extend(std::move(base), *parsed, context);
  }
  return Status::error("policy '" + parsed->name() +
                       "' cannot stand behind a '+', expected one of " +
                       usagesOf(extensions));
}

/// "apt, fixed or pfq": the policies with a trait.
static std::string namesOf(Trait trait) {
  std::string names;
  std::string last;
  for (const KnownPolicy &policy : policies) {
    if ((policy.traits & trait) != 0) {
      names += (names.empty() || last.empty() ? "" : ", ") + last;
      last = policy.name;
    }
  }
  return names + " or " + last;
}

std::string exportedPolicies() { return namesOf(Exports); }
std::string narrowingPolicies() { return namesOf(NarrowsSums); }

/// The texts between the '+' that stand outside of angle brackets.
static std::vector<std::string> splitCombination(const std::string &text) {
  std::vector<std::string> parts(1);
  bool isInside = false;
  for (const char c : text) {
    isInside = c == '<' || (isInside && c != '>');
    if (c == '+' && !isInside) {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

static std::string nameOf(const std::string &part) {
  return part.substr(0, part.find('<'));
}

/// The parts of a combination; an extension alone stands on its own base.
static std::vector<std::string> partsOf(const std::string &text) {
  std::vector<std::string> parts = splitCombination(text);
  if (const KnownExtension *alone = findByName(extensions, nameOf(parts[0]))) {
    parts.insert(parts.begin(), alone->base);
  }
  return parts;
}

bool isExported(const std::string &text) {
  unsigned traits = ~0U;
  for (const std::string &part : partsOf(text)) {
    if (const KnownPolicy *policy = findByName(policies, nameOf(part))) {
      traits &= policy->traits;
    } else if (const KnownExtension *extension =
                   findByName(extensions, nameOf(part))) {
      traits &= extension->traits;
    }
  }
  return (traits & Exports) != 0;
}

Result<std::unique_ptr<Policy>> makePolicy(const std::string &text,
                                           const PolicyContext &context) {
  const std::vector<std::string> parts = partsOf(text);
  Result<std::unique_ptr<Policy>> policy = makeBase(parts[0], context);
  for (size_t i = 1; i < parts.size() && policy.ok(); ++i) {
    policy = extend(std::move(*policy), parts[i], context);
  }
  return policy;
}

} // namespace lpgen::train
