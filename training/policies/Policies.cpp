// Which policies there are, and how a text becomes one.
#include "training/policies/Policies.h"
#include "base/system/NearestName.h"
#include "training/policies/PolicyText.h"
#include <algorithm>
#include <array>

namespace lpgen::train {

extern const PolicyKind float32Policy, aptPolicy, fixedPolicy, mixed16Policy,
    fp8Policy, lsqPolicy, dorefaPolicy, pactPolicy, xnorPolicy, binaryPolicy,
    pfqPolicy, dynastyPolicy, staticPolicy, hgqPolicy, adaptPolicy, otttPolicy,
    resistivePolicy;
extern const ExtensionKind adaptiveLossScale, accumulators;

static constexpr std::array policies = {
    &float32Policy,  &aptPolicy,    &fixedPolicy,  &mixed16Policy,
    &fp8Policy,      &lsqPolicy,    &dorefaPolicy, &pactPolicy,
    &xnorPolicy,     &binaryPolicy, &pfqPolicy,    &dynastyPolicy,
    &staticPolicy,   &hgqPolicy,    &adaptPolicy,  &otttPolicy,
    &resistivePolicy};
static constexpr std::array extensions = {&adaptiveLossScale, &accumulators};

std::span<const PolicyKind *const> policyKinds() { return policies; }
std::span<const ExtensionKind *const> extensionKinds() { return extensions; }

template <typename Table>
static std::string usagesOf(const Table &table) {
  std::string usages;
  for (const auto *entry : table) {
    usages += (usages.empty() ? "" : ", ") + entry->usage();
  }
  return usages;
}

std::string policyHelp() {
  std::string help;
  for (const PolicyKind *kind : policies) {
    help += "\n" + kind->usage() + "\n  " + kind->summary;
  }
  help += "\nBehind a '+':";
  for (const ExtensionKind *kind : extensions) {
    help += "\n" + kind->usage() + "\n  " + kind->summary;
  }
  return help;
}

template <typename Table>
static auto findByName(const Table &table, const std::string &name) {
  const auto found = std::ranges::find_if(
      table, [&](const auto *entry) { return entry->name == name; });
  return found == table.end() ? nullptr : *found;
}

static Result<std::unique_ptr<Policy>> makeBase(const std::string &text,
                                                const PolicyContext &context) {
  const Result<PolicyText> parsed = PolicyText::parse(text);
  LPGEN_RETURN_IF_ERROR(parsed.status());
  const PolicyKind *kind = findByName(policies, parsed->name());
  if (!kind) {
    std::vector<std::string> names;
    names.reserve(std::size(policies));
    for (const PolicyKind *known : policies) {
      names.emplace_back(known->name);
    }
    return Status::error("unknown policy " +
                         quoteWithNearest(parsed->name(), names));
  }
  const Result<PolicyOptions> options =
      PolicyOptions::read(*parsed, kind->options);
  LPGEN_RETURN_IF_ERROR(options.status());
  return kind->make(*options, context);
}

static Result<std::unique_ptr<Policy>> extend(std::unique_ptr<Policy> base,
                                              const std::string &text,
                                              const PolicyContext &context) {
  const Result<PolicyText> parsed = PolicyText::parse(text);
  LPGEN_RETURN_IF_ERROR(parsed.status());
  const ExtensionKind *kind = findByName(extensions, parsed->name());
  if (!kind) {
    return Status::error("policy '" + parsed->name() +
                         "' cannot stand behind a '+', expected one of " +
                         usagesOf(extensions));
  }
  const Result<PolicyOptions> options =
      PolicyOptions::read(*parsed, kind->options);
  LPGEN_RETURN_IF_ERROR(options.status());
  return kind->extend(std::move(base), *options, context);
}

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
  if (const ExtensionKind *alone = findByName(extensions, nameOf(parts[0]))) {
    parts.insert(parts.begin(), alone->base);
  }
  return parts;
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

std::string policiesWith(Trait trait) {
  std::string names;
  std::string last;
  for (const PolicyKind *kind : policies) {
    if ((kind->traits & trait) != 0) {
      names += (names.empty() || last.empty() ? "" : ", ") + last;
      last = kind->name;
    }
  }
  return names + " or " + last;
}

bool hasTrait(const std::string &text, Trait trait) {
  unsigned traits = ~0U;
  for (const std::string &part : partsOf(text)) {
    if (const PolicyKind *kind = findByName(policies, nameOf(part))) {
      traits &= kind->traits;
    } else if (const ExtensionKind *extension =
                   findByName(extensions, nameOf(part))) {
      traits &= extension->traits;
    } else {
      return false;
    }
  }
  return (traits & trait) != 0;
}

} // namespace lpgen::train
