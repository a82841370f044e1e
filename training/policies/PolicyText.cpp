// Taking the text apart; each option is asked for once by the policy it is for.
#include "training/policies/PolicyText.h"
#include <charconv>
#include <cmath>

namespace lpgen::train {

static std::string quote(const std::string &text) { return "'" + text + "'"; }

Result<PolicyText> PolicyText::parse(const std::string &text) {
  PolicyText result;
  const size_t open = text.find('<');
  result.policyName = text.substr(0, open);
  const auto malformed = [&](const std::string &what) {
    return Status::error("policy " + quote(text) + ": " + what +
                         "; expected NAME or NAME<KEY=VALUE,...>");
  };
  if (result.policyName.empty()) {
    return malformed("there is no name");
  }
  if (open == std::string::npos) {
    return result;
  }
  if (text.back() != '>') {
    return malformed("'>' is missing at the end");
  }
  std::string rest = text.substr(open + 1, text.size() - open - 2);
  while (!rest.empty()) {
    const size_t comma = rest.find(',');
    const std::string option = rest.substr(0, comma);
    rest = comma == std::string::npos ? "" : rest.substr(comma + 1);
    const size_t equals = option.find('=');
    if (equals == std::string::npos || equals == 0 ||
        equals + 1 == option.size()) {
      return malformed("option " + quote(option) + " is not KEY=VALUE");
    }
    if (!result.options
             .emplace(option.substr(0, equals), option.substr(equals + 1))
             .second) {
      return malformed("option " + quote(option.substr(0, equals)) +
                       " is given twice");
    }
  }
  return result;
}

Result<double> PolicyText::number(const std::string &key, double standard,
                                  double lo, double hi) {
  known += (known.empty() ? "" : ", ") + key;
  const auto found = options.find(key);
  if (found == options.end()) {
    return standard;
  }
  const std::string text = found->second;
  options.erase(found);
  double value = 0;
  const char *end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  const bool isNumber = error == std::errc() && rest == end;
  const bool isInside = value >= lo && value <= hi; // false for a NaN
  if (!isNumber || !isInside) {
    const auto show = [](double bound) {
      std::string shown = std::to_string(bound);
      shown.erase(shown.find_last_not_of('0') + 1);
      return shown.back() == '.' ? shown.substr(0, shown.size() - 1) : shown;
    };
    return Status::error("policy " + quote(policyName) + ": option " +
                         quote(key) + " is " + quote(text) +
                         ", expected a number from " + show(lo) + " to " +
                         show(hi));
  }
  return value;
}

Result<int64_t> PolicyText::integer(const std::string &key, int64_t standard,
                                    int64_t lo, int64_t hi) {
  const Result<double> value =
      number(key, double(standard), double(lo), double(hi));
  LPGEN_RETURN_IF_ERROR(value.status());
  if (*value != std::floor(*value)) {
    return Status::error("policy " + quote(policyName) + ": option " +
                         quote(key) + " must be a whole number");
  }
  return int64_t(*value);
}

Result<int> PolicyText::choice(const std::string &key,
                               const std::vector<std::string> &choices) {
  known += (known.empty() ? "" : ", ") + key;
  const auto found = options.find(key);
  if (found == options.end()) {
    return 0;
  }
  const std::string text = found->second;
  options.erase(found);
  std::string expected;
  for (size_t i = 0; i < choices.size(); ++i) {
    if (choices[i] == text) {
      return int(i);
    }
    expected += (i == 0 ? "" : " or ") + choices[i];
  }
  return Status::error("policy " + quote(policyName) + ": option " +
                       quote(key) + " is " + quote(text) + ", expected " +
                       expected);
}

Status PolicyText::finish() const {
  if (options.empty()) {
    return Status::success();
  }
  return Status::error("policy " + quote(policyName) + " has no option " +
                       quote(options.begin()->first) + "; it has " +
                       (known.empty() ? "none" : known));
}

} // namespace lpgen::train
