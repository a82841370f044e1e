// The text of a policy: a name and options, "apt<mode=2,threshold=0.1>"; that
// of an optimizer is alike.
#ifndef LPGEN_TRAINING_POLICIES_POLICYTEXT_H
#define LPGEN_TRAINING_POLICIES_POLICYTEXT_H

#include "base/system/Status.h"
#include <map>
#include <string>

namespace lpgen::train {

class PolicyText {
public:
  /// NAME or NAME<KEY=VALUE,...>; an error shows where it is malformed. `what`
  /// it is, for errors.
  static Result<PolicyText> parse(const std::string &text,
                                  const std::string &what = "policy");

  /// "policy 'apt'"
  std::string subject() const { return what + " '" + policyName + "'"; }
  const std::string &name() const { return policyName; }
  /// Values by key.
  const std::map<std::string, std::string> &options() const { return given; }

private:
  std::string what;
  std::string policyName;
  std::map<std::string, std::string> given;
};

} // namespace lpgen::train

#endif // LPGEN_TRAINING_POLICIES_POLICYTEXT_H
