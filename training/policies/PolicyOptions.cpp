// Reading the values that the table describes.
#include "training/policies/PolicyOptions.h"
#include "base/system/NearestName.h"
#include "training/policies/PolicyText.h"
#include <cassert>
#include <charconv>
#include <cmath>
#include <vector>

namespace lpgen::train {

/// "0.03", "65536"
static std::string shortest(double value) {
  char text[32];
  char *const end = std::to_chars(text, text + sizeof text, value).ptr;
  return {text, end};
}

static std::vector<std::string> choicesOf(const PolicyOption &option) {
  std::vector<std::string> choices(1);
  for (const char c : std::string_view(option.shown)) {
    if (c == '|') {
      choices.emplace_back();
    } else {
      choices.back() += c;
    }
  }
  return choices;
}

std::string usageOf(const char *policy, std::span<const PolicyOption> options) {
  std::string usage = policy;
  for (const PolicyOption &option : options) {
    usage += (&option == options.data() ? "<" : ",") + std::string(option.key) +
             "=" + (option.shown ? option.shown : shortest(option.standard));
  }
  return usage + (options.empty() ? "" : ">");
}

static std::string quote(const std::string &text) { return "'" + text + "'"; }

static std::string optionIs(const std::string &subject, const std::string &key,
                            const std::string &text) {
  return subject + ": option " + quote(key) + " is " + quote(text) +
         ", expected ";
}

Status outsideError(const std::string &subject, const std::string &key,
                    const std::string &text, double lowest, double highest) {
  const auto show = [](double bound) {
    std::string shown = std::to_string(bound);
    shown.erase(shown.find_last_not_of('0') + 1);
    return shown.back() == '.' ? shown.substr(0, shown.size() - 1) : shown;
  };
  return Status::error(optionIs(subject, key, text) + "a number from " +
                       show(lowest) + " to " + show(highest));
}

static Result<double> readNumber(const std::string &subject,
                                 const PolicyOption &option,
                                 const std::string &text) {
  double value = 0;
  const char *end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  const bool isNumber = error == std::errc() && rest == end;
  // False for a NaN.
  const bool isInside = value >= option.lowest && value <= option.highest;
  if (!isNumber || !isInside) {
    return outsideError(subject, option.key, text, option.lowest,
                        option.highest);
  }
  if (option.kind == PolicyOption::Kind::Whole && value != std::floor(value)) {
    return Status::error(subject + ": option " + quote(option.key) +
                         " must be a whole number");
  }
  return value;
}

static Result<double> readChoice(const std::string &subject,
                                 const PolicyOption &option,
                                 const std::string &text) {
  const std::vector<std::string> choices = choicesOf(option);
  std::string expected;
  for (size_t i = 0; i < choices.size(); ++i) {
    if (choices[i] == text) {
      return double(i);
    }
    expected += (i == 0 ? "" : " or ") + choices[i];
  }
  return Status::error(optionIs(subject, option.key, text) + expected);
}

Result<PolicyOptions> PolicyOptions::read(const PolicyText &text,
                                          std::span<const PolicyOption> known) {
  PolicyOptions options;
  std::map<std::string, std::string> left = text.options();
  std::string keys;
  for (const PolicyOption &option : known) {
    keys += (keys.empty() ? "" : ", ") + std::string(option.key);
    const auto given = left.extract(option.key);
    if (given.empty()) {
      options.values[option.key] = {option.standard, false};
      continue;
    }
    const Result<double> value =
        option.kind == PolicyOption::Kind::Choice
            ? readChoice(text.subject(), option, given.mapped())
            : readNumber(text.subject(), option, given.mapped());
    LPGEN_RETURN_IF_ERROR(value.status());
    options.values[option.key] = {*value, true};
  }
  if (!left.empty()) {
    return Status::error(text.subject() + " has no option " +
                         quote(left.begin()->first) + "; it has " +
                         (keys.empty() ? "none" : keys));
  }
  return options;
}

const PolicyOptions::Value &PolicyOptions::at(std::string_view key) const {
  const auto found = values.find(key);
  assert(found != values.end() && "described in the policy's row");
  return found->second;
}

Result<std::optional<PolicyOptions>>
readOptional(const std::string &text, const std::string &what,
             const std::string &name, std::span<const PolicyOption> known) {
  if (text == "none") {
    return std::optional<PolicyOptions>();
  }
  const Result<PolicyText> parsed = PolicyText::parse(text, what);
  LPGEN_RETURN_IF_ERROR(parsed.status());
  if (parsed->name() != name) {
    const std::vector<std::string> names = {"none", name};
    return Status::error("unknown " + what + " " +
                         quoteWithNearest(parsed->name(), names));
  }
  const Result<PolicyOptions> read = PolicyOptions::read(*parsed, known);
  LPGEN_RETURN_IF_ERROR(read.status());
  return std::optional(*read);
}

} // namespace lpgen::train
