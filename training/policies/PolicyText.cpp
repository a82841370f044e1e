// Taking the text apart.
#include "training/policies/PolicyText.h"

namespace lpgen::train {

static std::string quote(const std::string &text) { return "'" + text + "'"; }

Result<PolicyText> PolicyText::parse(const std::string &text,
                                     const std::string &what) {
  PolicyText result;
  result.what = what;
  const size_t open = text.find('<');
  result.policyName = text.substr(0, open);
  const auto malformed = [&](const std::string &problem) {
    return Status::error(what + " " + quote(text) + ": " + problem +
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
    if (!result.given
             .emplace(option.substr(0, equals), option.substr(equals + 1))
             .second) {
      return malformed("option " + quote(option.substr(0, equals)) +
                       " is given twice");
    }
  }
  return result;
}

} // namespace lpgen::train
