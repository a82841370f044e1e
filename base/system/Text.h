// Small operations on text that several programs share.
#ifndef LPGEN_BASE_SYSTEM_TEXT_H
#define LPGEN_BASE_SYSTEM_TEXT_H

#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace lpgen {

/// Splits "NAME=REST" at the first '='; nothing if there is none, or no name.
inline std::optional<std::pair<std::string, std::string>>
splitAssignment(std::string_view text) {
  const size_t sign = text.find('=');
  if (sign == 0 || sign == std::string_view::npos) {
    return std::nullopt;
  }
  return std::pair(std::string(text.substr(0, sign)),
                   std::string(text.substr(sign + 1)));
}

} // namespace lpgen

#endif // LPGEN_BASE_SYSTEM_TEXT_H
