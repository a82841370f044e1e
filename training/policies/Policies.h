// The table of policies. A policy is its file, which ends in its row, and the
// name of the row in Policies.cpp.
#ifndef LPGEN_TRAINING_POLICIES_POLICIES_H
#define LPGEN_TRAINING_POLICIES_POLICIES_H

#include "training/policies/Policy.h"
#include "training/policies/PolicyOptions.h"
#include <span>

namespace lpgen::train {

/// What networks of a policy can do that those of others cannot.
enum Trait : unsigned {
  Exports = 1,         ///< Products are such that a program can compute them.
  NarrowsSums = 2,     ///< Sums can be narrower than they need to be.
  RangesGradients = 4, ///< Policy::gradientRange says a range.
  PlainSteps = 8, ///< Nothing happens between the products of two steps but
                  ///< the optimizer's update: the policy needs no calls there.
  RunsInTime = 16 ///< Networks have time steps, which are the trainer's.
};

struct PolicyKind {
  const char *name;
  const char *summary; ///< One line.
  unsigned traits;
  std::span<const PolicyOption> options;
  Result<std::unique_ptr<Policy>> (*make)(const PolicyOptions &options,
                                          const PolicyContext &context);

  std::string usage() const { return usageOf(name, options); }
};

/// A kind that stands behind a '+'.
struct ExtensionKind {
  const char *name;
  const char *summary;
  unsigned traits; ///< Those that it leaves to its base.
  std::span<const PolicyOption> options;
  const char *base; ///< What it stands on if it is named alone.
  Result<std::unique_ptr<Policy>> (*extend)(std::unique_ptr<Policy> base,
                                            const PolicyOptions &options,
                                            const PolicyContext &context);

  std::string usage() const { return usageOf(name, options); }
};

std::span<const PolicyKind *const> policyKinds();
std::span<const ExtensionKind *const> extensionKinds();

/// "apt, fixed or pfq": the policies with a trait.
std::string policiesWith(Trait trait);
/// Whether a combination, "fixed+accumulators", has it.
bool hasTrait(const std::string &text, Trait trait);

} // namespace lpgen::train

#endif // LPGEN_TRAINING_POLICIES_POLICIES_H
