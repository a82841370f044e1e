// The options of a policy: described once, in its row of the table of policies,
// from which help, messages and values come.
#ifndef LPGEN_TRAINING_POLICIES_POLICYOPTIONS_H
#define LPGEN_TRAINING_POLICIES_POLICYOPTIONS_H

#include "base/system/Status.h"
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace lpgen::train {

class PolicyText;

/// What one option may be.
struct PolicyOption {
  enum class Kind {
    Number, ///< From `lowest` to `highest`.
    Whole,  ///< The same, without a fraction.
    Choice  ///< One of `shown`.
  };
  const char *key;
  Kind kind;
  const char
      *shown; ///< The default, "0.03"; choices, "1|2", the default first.
  double standard = 0; ///< May lie outside: then the policy finds one itself.
  double lowest = 0;
  double highest = 0;

  static constexpr PolicyOption number(const char *key, double standard,
                                       double lowest, double highest,
                                       const char *shown = nullptr) {
    return {key, Kind::Number, shown, standard, lowest, highest};
  }
  static constexpr PolicyOption whole(const char *key, int64_t standard,
                                      int64_t lowest, int64_t highest,
                                      const char *shown = nullptr) {
    return {key,
            Kind::Whole,
            shown,
            double(standard),
            double(lowest),
            double(highest)};
  }
  static constexpr PolicyOption choice(const char *key, const char *choices) {
    return {key, Kind::Choice, choices};
  }
};

/// "apt<mode=1|2,threshold=0.03>": how a policy and its options are written.
std::string usageOf(const char *policy, std::span<const PolicyOption> options);

/// Their values.
class PolicyOptions {
public:
  /// An error names the first option that is wrong, or that there is none.
  static Result<PolicyOptions> read(const PolicyText &text,
                                    std::span<const PolicyOption> known);

  double number(std::string_view key) const { return at(key).value; }
  int64_t whole(std::string_view key) const { return int64_t(at(key).value); }
  /// The position of the choice.
  int choice(std::string_view key) const { return int(at(key).value); }
  bool isGiven(std::string_view key) const { return at(key).isGiven; }

private:
  struct Value {
    double value = 0;
    bool isGiven = false;
  };
  const Value &at(std::string_view key) const;

  std::map<std::string, Value, std::less<>> values;
};

/// The options in a text that is `none` or `name<...>`; nothing for `none`.
/// `what` it says, for errors.
Result<std::optional<PolicyOptions>>
readOptional(const std::string &text, const std::string &what,
             const std::string &name, std::span<const PolicyOption> known);

/// The error of a number that lies outside of [lowest, highest]; "policy 'p'".
Status outsideError(const std::string &subject, const std::string &key,
                    const std::string &text, double lowest, double highest);

} // namespace lpgen::train

#endif // LPGEN_TRAINING_POLICIES_POLICYOPTIONS_H
