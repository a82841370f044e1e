// What options check of their values as they are read; a wrong one ends a
// program with status 2.
#ifndef LPGEN_TOOLS_OPTIONCHECKS_H
#define LPGEN_TOOLS_OPTIONCHECKS_H

#include "base/system/NearestName.h"
#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <limits>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace lpgen {

/// The name of a file or folder, which is never "".
inline CLI::Validator isPath() {
  return CLI::Validator(
      [](const std::string &text) {
        return text.empty() ? std::string("expected a name, found ''") : "";
      },
      "", "path");
}

/// A number from `least` to `most`; CLI::Range takes NaN for one.
inline CLI::Validator isNumber(double least, double most) {
  return CLI::Validator(
      [least, most](const std::string &text) {
        char *end = nullptr;
        const double value = std::strtod(text.c_str(), &end);
        const bool isGood = end != text.c_str() && *end == '\0' &&
                            value >= least && value <= most;
        std::ostringstream message;
        if (!isGood) {
          message << "expected a number from " << least << " to " << most
                  << ", found '" << text << "'";
        }
        return message.str();
      },
      "", "number");
}

/// A number that T holds; CLI11 saturates what is greater and wraps "-1".
template <typename T>
CLI::Validator isInteger() {
  return CLI::Validator(
      [](const std::string &text) {
        T value = 0;
        const char *end = text.data() + text.size();
        const auto [stop, error] = std::from_chars(text.data(), end, value);
        const bool isGood = error == std::errc{} && stop == end;
        return isGood ? std::string()
                      : "expected an integer from " +
                            std::to_string(std::numeric_limits<T>::min()) +
                            " to " +
                            std::to_string(std::numeric_limits<T>::max()) +
                            ", found '" + text + "'";
      },
      "", "integer");
}

/// One of `names`, which help and completion list.
inline CLI::Validator isOneOf(std::vector<std::string> names) {
  std::string set;
  for (const std::string &name : names) {
    set += (set.empty() ? "{" : ",") + name;
  }
  return CLI::Validator(
      [names = std::move(names)](const std::string &text) {
        const bool isGood = std::ranges::find(names, text) != names.end();
        return isGood ? std::string()
                      : "unknown value " + quoteWithNearest(text, names);
      },
      set + "}", "name");
}

/// A finite number.
inline CLI::Validator isFinite() {
  return isNumber(std::numeric_limits<double>::lowest(),
                  std::numeric_limits<double>::max());
}

} // namespace lpgen

#endif // LPGEN_TOOLS_OPTIONCHECKS_H
