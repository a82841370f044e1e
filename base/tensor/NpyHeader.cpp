// The header of a .npy file: a parser for the one form of dictionary that NumPy
// writes.
#include "base/tensor/NpyHeader.h"
#include <charconv>
#include <optional>
#include <utility>

namespace lpgen {
namespace {

constexpr size_t maxRank = 64; // NumPy's limit

class HeaderParser {
public:
  explicit HeaderParser(std::string_view text) : rest(text) {}

  /// Nothing if the text is not such a dictionary; `problem` says why.
  std::optional<NpyHeader> parse();
  std::string problem;

private:
  std::nullopt_t fail(std::string what) {
    problem = std::move(what);
    return std::nullopt;
  }
  void skipSpace() {
    while (!rest.empty() && (rest.front() == ' ' || rest.front() == '\n' ||
                             rest.front() == '\t' || rest.front() == '\r')) {
      rest.remove_prefix(1);
    }
  }
  bool take(std::string_view token) {
    skipSpace();
    if (!rest.starts_with(token)) {
      return false;
    }
    rest.remove_prefix(token.size());
    return true;
  }
  std::optional<std::string> takeString();
  std::optional<std::vector<int64_t>> takeShape();
  bool takeEntry(const std::string &key, NpyHeader &header);

  std::string_view rest;
  bool sawDescr = false;
  bool sawOrder = false;
  bool sawShape = false;
};

std::optional<std::string> HeaderParser::takeString() {
  skipSpace();
  if (rest.empty() || (rest.front() != '\'' && rest.front() != '"')) {
    return fail("a quoted string was expected");
  }
  const size_t end = rest.find(rest.front(), 1);
  if (end == std::string_view::npos) {
    return fail("a string without an end");
  }
  std::string text(rest.substr(1, end - 1));
  rest.remove_prefix(end + 1);
  return text;
}

std::optional<std::vector<int64_t>> HeaderParser::takeShape() {
  std::vector<int64_t> shape;
  if (!take("(")) {
    return fail("'shape' is not a tuple");
  }
  while (!take(")")) {
    skipSpace();
    int64_t extent = 0;
    const auto [end, error] =
        std::from_chars(rest.data(), rest.data() + rest.size(), extent);
    if (error != std::errc() || extent < 0) {
      return fail("'shape' holds something that is no size");
    }
    rest.remove_prefix(size_t(end - rest.data()));
    shape.push_back(extent);
    if (shape.size() > maxRank) {
      return fail("'shape' has more than " + std::to_string(maxRank) +
                  " dimensions");
    }
    if (!take(",")) {
      if (take(")")) {
        break;
      }
      return fail("'shape' has no end");
    }
  }
  return shape;
}

bool HeaderParser::takeEntry(const std::string &key, NpyHeader &header) {
  if (key == "descr" && !std::exchange(sawDescr, true)) {
    skipSpace();
    if (rest.starts_with("[")) {
      problem = "it is a structured array; save one field of it";
      return false;
    }
    std::optional<std::string> text = takeString();
    header.descr = text.value_or("");
    return text.has_value();
  }
  if (key == "fortran_order" && !std::exchange(sawOrder, true)) {
    header.fortranOrder = take("True");
    if (!header.fortranOrder && !take("False")) {
      problem = "'fortran_order' is neither True nor False";
      return false;
    }
    return true;
  }
  if (key == "shape" && !std::exchange(sawShape, true)) {
    std::optional<std::vector<int64_t>> shape = takeShape();
    header.shape = shape.value_or(std::vector<int64_t>());
    return shape.has_value();
  }
  problem = "an unknown or repeated key '" + key.substr(0, 40) + "'";
  return false;
}

std::optional<NpyHeader> HeaderParser::parse() {
  NpyHeader header;
  if (!take("{")) {
    return fail("it does not begin with '{'");
  }
  while (!take("}")) {
    const std::optional<std::string> key = takeString();
    if (!key) {
      return std::nullopt;
    }
    if (!take(":")) {
      return fail("no ':' after a key");
    }
    if (!takeEntry(*key, header)) {
      return std::nullopt;
    }
    if (!take(",")) {
      if (take("}")) {
        break;
      }
      return fail("no '}' at its end");
    }
  }
  skipSpace();
  if (!rest.empty()) {
    return fail("text after its '}'");
  }
  if (!sawDescr || !sawOrder || !sawShape) {
    return fail("'descr', 'fortran_order' or 'shape' is missing");
  }
  return header;
}

} // namespace

Result<NpyHeader> parseNpyHeader(std::string_view text) {
  HeaderParser parser(text);
  std::optional<NpyHeader> header = parser.parse();
  if (!header) {
    return Status::error(parser.problem);
  }
  return *std::move(header);
}

} // namespace lpgen
