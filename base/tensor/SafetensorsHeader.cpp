// The header of a safetensors file: a parser for the one form of JSON that it
// has.
#include "base/tensor/SafetensorsHeader.h"
#include "base/system/Text.h"
#include <algorithm>
#include <charconv>
#include <functional>
#include <unordered_set>
#include <utility>

namespace lpgen {
namespace {

constexpr size_t maxRank = 64;

/// A parser that stops at the first fault; `problem` says what it is.
class HeaderParser {
public:
  explicit HeaderParser(std::string_view text) : rest(text) {}

  bool parse(std::vector<SafetensorsEntry> &entries);
  std::string problem;

private:
  bool fail(std::string what) {
    problem = std::move(what);
    return false;
  }
  void skipSpace();
  bool take(char token);
  bool expect(char token, const char *place);
  bool takeString(std::string &text);
  bool takeEscape(std::string &text);
  bool takeUnit(uint32_t &unit);
  bool takeCodePoint(std::string &text);
  bool takeSize(int64_t &value);
  bool takeSizes(std::vector<int64_t> &values, size_t most, const char *what);
  bool takeObject(const char *what,
                  const std::function<bool(std::string &)> &takeValue);
  bool takeMetadata();
  bool takeEntry(SafetensorsEntry &entry);

  std::string_view rest;
};

void HeaderParser::skipSpace() {
  rest.remove_prefix(std::min(rest.find_first_not_of(" \t\n\r"), rest.size()));
}

bool HeaderParser::take(char token) {
  skipSpace();
  if (rest.empty() || rest.front() != token) {
    return false;
  }
  rest.remove_prefix(1);
  return true;
}

bool HeaderParser::expect(char token, const char *place) {
  return take(token) || fail(std::string("no '") + token + "' " + place);
}

/// The four hexadecimal digits of an escape.
bool HeaderParser::takeUnit(uint32_t &unit) {
  const char *start = rest.data();
  const char *end = start + std::min<size_t>(rest.size(), 4);
  const auto [next, error] = std::from_chars(start, end, unit, 16);
  if (error != std::errc() || next != start + 4) {
    return fail("an escape \\u without four hexadecimal digits");
  }
  rest.remove_prefix(4);
  return true;
}

/// A character beyond 16 bits is written as two escapes.
bool HeaderParser::takeCodePoint(std::string &text) {
  uint32_t code = 0;
  if (!takeUnit(code)) {
    return false;
  }
  if (code >= 0xd800 && code < 0xe000) {
    uint32_t low = 0;
    if (code >= 0xdc00 || !rest.starts_with("\\u")) {
      return fail("half a surrogate pair");
    }
    rest.remove_prefix(2);
    if (!takeUnit(low)) {
      return false;
    }
    if (low < 0xdc00 || low >= 0xe000) {
      return fail("half a surrogate pair");
    }
    code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
  }
  const auto append = [&](uint32_t byte) { text += char(byte); };
  if (code < 0x80) {
    append(code);
    return true;
  }
  // UTF-8: the first byte has the length, the others six bits each.
  const unsigned others = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
  append((0xff00U >> (others + 1) & 0xffU) | code >> (6 * others));
  for (unsigned i = others; i-- > 0;) {
    append(0x80U | (code >> (6 * i) & 0x3fU));
  }
  return true;
}

bool HeaderParser::takeEscape(std::string &text) {
  if (rest.empty()) {
    return fail("a string without an end");
  }
  const char kind = rest.front();
  rest.remove_prefix(1);
  if (kind == 'u') {
    return takeCodePoint(text);
  }
  constexpr std::string_view written = "\"\\/bfnrt";
  constexpr std::string_view meant = "\"\\/\b\f\n\r\t";
  const size_t which = written.find(kind);
  if (which == std::string_view::npos) {
    return fail("an unknown escape in a string");
  }
  text += meant[which];
  return true;
}

bool HeaderParser::takeString(std::string &text) {
  if (!take('"')) {
    return fail("a string was expected");
  }
  while (!rest.empty()) {
    const char c = rest.front();
    if (uint8_t(c) < 0x20) {
      return fail("a control character in a string");
    }
    rest.remove_prefix(1);
    if (c == '"') {
      return true;
    }
    if (c != '\\') {
      text += c;
    } else if (!takeEscape(text)) {
      return false;
    }
  }
  return fail("a string without an end");
}

bool HeaderParser::takeSize(int64_t &value) {
  skipSpace();
  const char *start = rest.data();
  const auto [end, error] = std::from_chars(start, start + rest.size(), value);
  // JSON has no leading zeros, a size no sign.
  if (error != std::errc() || *start == '-' ||
      (*start == '0' && end != start + 1)) {
    return fail("a size from 0 to 2^63 - 1 was expected");
  }
  rest.remove_prefix(size_t(end - start));
  return true;
}

bool HeaderParser::takeSizes(std::vector<int64_t> &values, size_t most,
                             const char *what) {
  if (!expect('[', what)) {
    return false;
  }
  if (take(']')) {
    return true;
  }
  do {
    if (values.size() == most) {
      return fail(std::string("more than ") + std::to_string(most) +
                  " numbers " + what);
    }
    if (!takeSize(values.emplace_back())) {
      return false;
    }
  } while (take(','));
  return expect(']', what);
}

/// An object; `takeValue` gets each key, none comes twice.
bool HeaderParser::takeObject(
    const char *what, const std::function<bool(std::string &)> &takeValue) {
  if (!expect('{', what)) {
    return false;
  }
  if (take('}')) {
    return true;
  }
  std::unordered_set<std::string> keys;
  do {
    std::string key;
    if (!takeString(key)) {
      return false;
    }
    if (!keys.insert(key).second) {
      return fail("the key " + quotedForMessage(key) + " twice");
    }
    if (!expect(':', "after a key") || !takeValue(key)) {
      return false;
    }
  } while (take(','));
  return expect('}', what);
}

bool HeaderParser::takeMetadata() {
  return takeObject("of __metadata__", [&](std::string &) {
    std::string value;
    return takeString(value);
  });
}

bool HeaderParser::takeEntry(SafetensorsEntry &entry) {
  const std::string ofTensor = "of tensor " + quotedForMessage(entry.name);
  unsigned known = 0;
  std::vector<int64_t> offsets;
  const bool ok = takeObject(ofTensor.c_str(), [&](std::string &key) {
    ++known;
    if (key == "dtype") {
      return takeString(entry.dtype);
    }
    if (key == "shape") {
      return takeSizes(entry.shape, maxRank, "of a shape");
    }
    if (key == "data_offsets") {
      return takeSizes(offsets, 2, "of data_offsets");
    }
    return fail("the unknown key " + quotedForMessage(key) + " " + ofTensor);
  });
  if (!ok) {
    return false;
  }
  if (known != 3 || offsets.size() != 2) {
    return fail("no dtype, shape or two data_offsets " + ofTensor);
  }
  entry.begin = offsets[0];
  entry.end = offsets[1];
  return true;
}

bool HeaderParser::parse(std::vector<SafetensorsEntry> &entries) {
  const bool ok = takeObject("of the tensors", [&](std::string &key) {
    if (key == "__metadata__") {
      return takeMetadata();
    }
    return takeEntry(entries.emplace_back(SafetensorsEntry{key, {}, {}}));
  });
  if (!ok) {
    return false;
  }
  skipSpace(); // up to the next multiple of 8
  return rest.empty() || fail("text after its '}'");
}

} // namespace

Result<std::vector<SafetensorsEntry>>
parseSafetensorsHeader(std::string_view text) {
  HeaderParser parser(text);
  std::vector<SafetensorsEntry> entries;
  if (!parser.parse(entries)) {
    return Status::error(parser.problem);
  }
  return entries;
}

} // namespace lpgen
