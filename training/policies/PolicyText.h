// The text of a policy: a name and options, "apt<mode=2,threshold=0.1>".
#ifndef LPGEN_TRAINING_POLICIES_POLICYTEXT_H
#define LPGEN_TRAINING_POLICIES_POLICYTEXT_H

#include "base/system/Status.h"
#include <map>
#include <string>

namespace lpgen::train {

class PolicyText {
public:
  /// NAME or NAME<KEY=VALUE,...>; an error shows where it is malformed.
  static Result<PolicyText> parse(const std::string &text);

  const std::string &name() const { return policyName; }
  /// Values by key.
  const std::map<std::string, std::string> &options() const { return given; }

private:
  std::string policyName;
  std::map<std::string, std::string> given;
};

} // namespace lpgen::train

#endif // LPGEN_TRAINING_POLICIES_POLICYTEXT_H
