// Valid and unique names.
#include "networks/import/Names.h"
#include <cctype>

namespace lpgen::importer {

/// What the language and C reserve, in small letters. A function may come into
/// the language that an older file uses as a name: those are here, too.
static constexpr std::string_view reservedWords[] = {
    "param",         "op",       "pad",     "in",       "lowest",
    "const",         "include",  "sum",     "max",      "min",
    "round",         "floor",    "ceil",    "trunc",    "f32",
    "abs",           "clamp",    "relu",    "floordiv", "rounddiv",
    "rescale",       "wrap",     "random",  "select",   "round_half_away",
    "round_half_up", "exp",      "log",     "sqrt",     "rsqrt",
    "tanh",          "sigmoid",  "erf",     "argmax",   "argmin",
    "i32",           "i64",      "auto",    "break",    "case",
    "char",          "continue", "default", "do",       "double",
    "else",          "enum",     "extern",  "float",    "for",
    "goto",          "if",       "inline",  "int",      "long",
    "register",      "restrict", "return",  "short",    "signed",
    "sizeof",        "static",   "struct",  "switch",   "typedef",
    "union",         "unsigned", "void",    "volatile", "while",
    "bool",          "true",     "false",   "class",    "new",
    "delete",        "this",     "private", "public",   "template",
    "operator",      "typename", "using",   "virtual",  "main"};

static std::string lowered(std::string_view text) {
  std::string result;
  for (const char c : text) {
    result += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return result;
}

/// A letter, or a letter and a digit: "n", "c1"; "w", "x" and their like are no
/// index.
static bool isIndexName(const std::string &name) {
  return name.size() <= 2 && name[0] < 'w' &&
         (name.size() == 1 ||
          std::isdigit(static_cast<unsigned char>(name[1])));
}

static std::string valid(std::string_view wanted) {
  constexpr size_t longest = 100;
  std::string name;
  for (const char c : wanted.substr(0, longest)) {
    const bool isPlain = std::isalnum(static_cast<unsigned char>(c)) != 0;
    if (isPlain || (!name.empty() && name.back() != '_')) {
      name += isPlain ? c : '_';
    }
  }
  while (!name.empty() && name.back() == '_') {
    name.pop_back();
  }
  if (name.empty()) {
    return "tensor";
  }
  if (std::isdigit(static_cast<unsigned char>(name[0])) != 0) {
    name = "t" + name;
  }
  return isIndexName(lowered(name)) ? name + "_" : name;
}

Names::Names() {
  for (const std::string_view word : reservedWords) {
    taken.emplace(word);
  }
}

std::string Names::make(std::string_view wanted) {
  const std::string name = valid(wanted);
  std::string result = name;
  // Many things of a file can want the same name.
  int &last = lastNumbers[lowered(name)];
  while (!taken.insert(lowered(result)).second) {
    last = last == 0 ? 2 : last + 1;
    result = name + "_" + std::to_string(last);
  }
  return result;
}

std::string oneLine(std::string_view text) {
  std::string result;
  for (const char c : text) {
    const auto code = static_cast<unsigned char>(c);
    result += code < 0x20 || code == 0x7f ? '?' : c;
  }
  return result;
}

} // namespace lpgen::importer
