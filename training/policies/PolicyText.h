// The text of a policy: a name and options, "apt<mode=2,max-bits=16>".
#ifndef LPGEN_TRAINING_POLICIES_POLICYTEXT_H
#define LPGEN_TRAINING_POLICIES_POLICYTEXT_H

#include "base/system/Status.h"
#include <map>
#include <string>
#include <vector>

namespace lpgen::train {

class PolicyText {
public:
  /// NAME or NAME<KEY=VALUE,...>; an error shows where it is malformed.
  static Result<PolicyText> parse(const std::string &text);

  const std::string &name() const { return policyName; }
  /// The value of an option in [lo, hi], or its default if it is not given.
  Result<double> number(const std::string &key, double standard, double lo,
                        double hi);
  /// The same for whole numbers.
  Result<int64_t> integer(const std::string &key, int64_t standard, int64_t lo,
                          int64_t hi);
  /// One of `choices`, of which the first is the default; its position.
  Result<int> choice(const std::string &key,
                     const std::vector<std::string> &choices);
  /// An error if an option was given that nobody asked for.
  Status finish() const;

private:
  std::string policyName;
  std::map<std::string, std::string> options; ///< Those not yet asked for.
  std::string known;                          ///< "il, fl", for messages.
};

} // namespace lpgen::train

#endif // LPGEN_TRAINING_POLICIES_POLICYTEXT_H
