// Spellings, all from the table.
#include "base/types/ElementType.h"
#include <charconv>
#include <iterator>

namespace lpgen {

std::string ElementType::str() const {
  // What is in no row, "i20" of damaged IR, is shown by the letter of the last.
  char letter = '?';
  for (const TypeFamily &family : elementTypes) {
    if (family.encoding == encoding) {
      letter = family.letter;
      if (family.holds(bits)) {
        break;
      }
    }
  }
  return letter + std::to_string(bits);
}

std::optional<ElementType> ElementType::parse(std::string_view text) {
  // A letter and digits, the first of which is not 0.
  if (text.size() < 2 || text[1] == '0') {
    return std::nullopt;
  }
  const char *end = text.data() + text.size();
  unsigned bits = 0;
  const auto [rest, error] = std::from_chars(text.data() + 1, end, bits);
  if (error != std::errc() || rest != end) {
    return std::nullopt;
  }
  for (const TypeFamily &family : elementTypes) {
    if (family.letter == text[0] && family.holds(bits)) {
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
    list += family.letter + std::to_string(family.narrowest);
    if (family.widest != family.narrowest) {
      list += std::string("..") + family.letter + std::to_string(family.widest);
    }
  }
  return list;
}

} // namespace lpgen
