// Text from pieces.
#include "operators/builder/Expression.h"
#include <algorithm>
#include <cassert>
#include <charconv>
#include <cmath>

namespace lpgen::builder {

static std::string joinedBy(const char *separator,
                            const std::vector<std::string> &parts) {
  std::string text;
  for (const std::string &part : parts) {
    text += (text.empty() ? "" : separator) + part;
  }
  return text;
}

Expression Expression::real(float number) {
  assert(std::isfinite(number) && "the language has no such number");
  char digits[64];
  const auto written = std::to_chars(digits, digits + sizeof(digits), number);
  std::string text(digits, written.ptr);
  // "2" would be an integer, and "1e+20" is no number of the language.
  std::erase(text, '+');
  text += text.find_first_of(".e") == std::string::npos ? ".0" : "";
  return {text, std::signbit(number) ? Level::Sum : Level::Primary};
}

Expression Expression::element(const std::string &tensor,
                               const std::vector<std::string> &subscripts) {
  // Plain indices stand close together.
  const bool isPlain = std::ranges::all_of(
      subscripts, [](const std::string &s) { return s.size() == 1; });
  return {tensor + "[" + joinedBy(isPlain ? "," : ", ", subscripts) + "]",
          Level::Primary};
}

Expression Expression::call(const std::string &function,
                            std::initializer_list<Expression> arguments) {
  std::vector<std::string> texts;
  for (const Expression &argument : arguments) {
    texts.push_back(argument.content);
  }
  return {function + "(" + joinedBy(", ", texts) + ")", Level::Primary};
}

Expression Expression::reduction(const std::string &function,
                                 const std::vector<std::string> &indices,
                                 const Expression &terms) {
  const std::string content =
      terms.level < Level::Product ? "(" + terms.content + ")" : terms.content;
  return {function + "(" + joinedBy(", ", indices) + ") " + content,
          Level::Reduction};
}

Expression Expression::joined(const Expression &a, const char *sign,
                              const Expression &b, Level level) {
  // Comparisons do not chain.
  const bool isLeftWhole = level == Level::Comparison && a.level == level;
  const std::string left =
      a.level < level || isLeftWhole ? "(" + a.content + ")" : a.content;
  const std::string right =
      b.level <= level ? "(" + b.content + ")" : b.content;
  return {left + sign + right, level};
}

std::string subscript(const std::string &pixel, int64_t stride,
                      const std::string &tap, int64_t padding) {
  std::string text = (stride == 1 ? "" : std::to_string(stride) + "*") + pixel;
  text += tap.empty() ? "" : " + " + tap;
  return text + (padding == 0 ? "" : " - " + std::to_string(padding));
}

} // namespace lpgen::builder
