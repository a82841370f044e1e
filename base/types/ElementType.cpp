// Spellings, all from the table.
#include "base/types/ElementType.h"
#include <algorithm>
#include <charconv>
#include <iterator>

namespace lpgen {

std::string ElementType::str() const {
  // What is in no row, "i20" of damaged IR, is shown by the letter of the last.
  std::string_view letters = "?";
  for (const TypeFamily &family : elementTypes) {
    if (family.encoding == encoding) {
      letters = family.letters;
      if (family.holds(bits)) {
        break;
      }
    }
  }
  return std::string(letters) + std::to_string(bits);
}

std::optional<ElementType> ElementType::parse(std::string_view text) {
  // Letters and digits, the first of which is not 0.
  const size_t letters =
      std::min(text.find_first_of("0123456789"), text.size());
  if (letters == text.size() || text[letters] == '0') {
    return std::nullopt;
  }
  const char *end = text.data() + text.size();
  unsigned bits = 0;
  const auto [rest, error] = std::from_chars(text.data() + letters, end, bits);
  if (error != std::errc() || rest != end) {
    return std::nullopt;
  }
  for (const TypeFamily &family : elementTypes) {
    if (family.letters == text.substr(0, letters) && family.holds(bits)) {
      return ElementType{family.encoding, bits};
    }
  }
  return std::nullopt;
}

std::string listElementTypes() {
  std::string list;
  const size_t count = std::size(elementTypes);
  for (size_t i = 0; i < count; ++i) {
    const TypeFamily &family = elementTypes[i];
    list += i == 0 ? "" : i + 1 < count ? ", " : " or ";
    const std::string letters(family.letters);
    list += letters + std::to_string(family.narrowest);
    if (family.widest != family.narrowest) {
      list += ".." + letters + std::to_string(family.widest);
    }
  }
  return list;
}

} // namespace lpgen
