// Small operations on text that several programs share.
#ifndef LPGEN_BASE_SYSTEM_TEXT_H
#define LPGEN_BASE_SYSTEM_TEXT_H

#include <optional>
#include <span>
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

/// Text from outside in quotes, as a message can show it: control characters
/// as \xNN, and no more than the beginning of a long one.
inline std::string quotedForMessage(std::string_view text) {
  constexpr size_t most = 80;
  constexpr std::string_view digits = "0123456789abcdef";
  std::string result = "'";
  for (const char c : text.substr(0, most)) {
    if (const auto code = static_cast<unsigned char>(c);
        code < 0x20 || code == 0x7f) {
      result += {'\\', 'x', digits[code / 16], digits[code % 16]};
    } else {
      result += c;
    }
  }
  return result + (text.size() > most ? "...'" : "'");
}

/// "a, b, c".
inline std::string joinNames(std::span<const std::string> names) {
  std::string joined;
  for (const std::string &name : names) {
    joined += (joined.empty() ? "" : ", ") + name;
  }
  return joined;
}

} // namespace lpgen

#endif // LPGEN_BASE_SYSTEM_TEXT_H
