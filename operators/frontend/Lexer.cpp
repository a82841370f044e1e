// The tokenizer: see Lexer.h for its place in the front end.
#include "operators/frontend/Lexer.h"
#include "base/types/FloatFunctions.h"
#include "llvm/ADT/APFloat.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/Error.h"

using namespace lpgen;
using llvm::StringRef;

namespace {

/// Longest number, in characters: more digits than any value needs, few enough
/// for the conversion of f32, which keeps the digits' power of ten on the
/// stack.
constexpr size_t maxNumberLength = 1000;

bool startsName(char c) { return llvm::isAlpha(c) || c == '_'; }
bool continuesName(char c) { return llvm::isAlnum(c) || c == '_'; }

class Lexer {
public:
  Lexer(StringRef text, Diagnostics &diags) : rest(text), diags(diags) {}

  std::vector<Token> run() {
    std::vector<Token> tokens;
    do {
      skipBlanks();
      Token token = next();
      token.startsLine = atLineStart;
      atLineStart = false;
      tokens.push_back(token);
    } while (!tokens.back().is(TokenKind::End));
    return tokens;
  }

private:
  void skipBlanks() {
    while (!rest.empty()) {
      if (rest.front() == '\n') {
        atLineStart = true;
        rest = rest.drop_front();
      } else if (llvm::isSpace(rest.front())) {
        rest = rest.drop_front();
      } else if (rest.starts_with("//")) {
        rest = rest.drop_front(std::min(rest.find('\n'), rest.size()));
      } else {
        return;
      }
    }
  }

  Token take(TokenKind kind, size_t length) {
    Token token;
    token.kind = kind;
    token.text = rest.take_front(length);
    rest = rest.drop_front(length);
    return token;
  }

  Token next() {
    if (rest.empty()) {
      return take(TokenKind::End, 0);
    }
    char c = rest.front();
    if (startsName(c)) {
      return take(TokenKind::Name, rest.take_while(continuesName).size());
    }
    if (llvm::isDigit(c) ||
        (c == '.' && rest.size() > 1 && llvm::isDigit(rest[1]))) {
      return number();
    }
    if (c == '"') {
      return string();
    }
    return punctuation();
  }

  /// There are no escapes: a string is a path or the name of a tensor.
  Token string() {
    StringRef value = rest.drop_front().take_until(
        [](char c) { return c == '"' || c == '\n'; });
    if (rest.drop_front(value.size() + 1).starts_with("\"")) {
      return take(TokenKind::String, value.size() + 2);
    }
    Token token = take(TokenKind::Error, value.size() + 1);
    diags.error(token.range(), "a string ends with '\"' on its line");
    return token;
  }

  Token punctuation() {
    TokenKind two = llvm::StringSwitch<TokenKind>(rest.take_front(2))
                        .Case("->", TokenKind::Arrow)
                        .Case("<<", TokenKind::ShiftLeft)
                        .Case(">>", TokenKind::ShiftRight)
                        .Case("<=", TokenKind::LessEqual)
                        .Case(">=", TokenKind::GreaterEqual)
                        .Case("==", TokenKind::Equal)
                        .Case("!=", TokenKind::NotEqual)
                        .Default(TokenKind::Error);
    if (two != TokenKind::Error) {
      return take(two, 2);
    }
    TokenKind one = llvm::StringSwitch<TokenKind>(rest.take_front(1))
                        .Case("(", TokenKind::LeftParen)
                        .Case(")", TokenKind::RightParen)
                        .Case("[", TokenKind::LeftBracket)
                        .Case("]", TokenKind::RightBracket)
                        .Case("{", TokenKind::LeftBrace)
                        .Case("}", TokenKind::RightBrace)
                        .Case(",", TokenKind::Comma)
                        .Case(":", TokenKind::Colon)
                        .Case("?", TokenKind::Question)
                        .Case("=", TokenKind::Assign)
                        .Case("+", TokenKind::Plus)
                        .Case("-", TokenKind::Minus)
                        .Case("*", TokenKind::Star)
                        .Case("/", TokenKind::Slash)
                        .Case("%", TokenKind::Percent)
                        .Case("&", TokenKind::Ampersand)
                        .Case("|", TokenKind::Pipe)
                        .Case("^", TokenKind::Caret)
                        .Case("<", TokenKind::Less)
                        .Case(">", TokenKind::Greater)
                        .Default(TokenKind::Error);
    return one != TokenKind::Error ? take(one, 1) : unexpected();
  }

  /// One error for a run of bytes that no token starts with.
  Token unexpected() {
    auto isBad = [](char c) {
      return !llvm::isSpace(c) && !continuesName(c) &&
             !StringRef("()[]{},:?=+-*/%&|^<>!.\"").contains(c);
    };
    size_t length = std::max<size_t>(rest.take_while(isBad).size(), 1);
    Token token = take(TokenKind::Error, length);
    std::string shown;
    llvm::raw_string_ostream stream(shown);
    llvm::printEscapedString(token.text.take_front(16), stream);
    diags.error(token.range(), "unexpected character '" + shown + "'");
    return token;
  }

  Token number() {
    if (rest.starts_with("0x") || rest.starts_with("0X")) {
      return integer(2 + rest.drop_front(2).take_while(continuesName).size());
    }
    size_t length = rest.take_while(llvm::isDigit).size();
    bool isFloat = false;
    if (length < rest.size() && rest[length] == '.') {
      isFloat = true;
      length +=
          1 + rest.drop_front(length + 1).take_while(llvm::isDigit).size();
    }
    StringRef tail = rest.drop_front(length);
    if (tail.starts_with("e") || tail.starts_with("E")) {
      size_t sign = tail.size() > 1 && (tail[1] == '-' || tail[1] == '+');
      isFloat = true;
      length +=
          1 + sign + tail.drop_front(1 + sign).take_while(llvm::isDigit).size();
    }
    // A letter that touches the digits belongs to them, so that `0.5f` and `3x`
    // are one error rather than a number and a stray name.
    length += rest.drop_front(length).take_while(continuesName).size();
    return isFloat ? floating(length) : integer(length);
  }

  Token integer(size_t length) {
    Token token = take(TokenKind::Int, length);
    if (length > maxNumberLength) {
      return tooLong(token);
    }
    bool isHex = token.text.starts_with_insensitive("0x");
    StringRef digits = isHex ? token.text.drop_front(2) : token.text;
    auto isDigitHere = [&](char c) {
      return isHex ? llvm::isHexDigit(c) : llvm::isDigit(c);
    };
    if (digits.empty() || !llvm::all_of(digits, isDigitHere)) {
      return malformed(token, "an integer is decimal or hexadecimal (0x...)");
    }
    if (digits.getAsInteger(isHex ? 16 : 10, token.intValue)) {
      return malformed(token, "integers go up to 9223372036854775807");
    }
    return token;
  }

  Token floating(size_t length) {
    Token token = take(TokenKind::Float, length);
    if (length > maxNumberLength) {
      return tooLong(token);
    }
    llvm::APFloat value(llvm::APFloat::IEEEsingle());
    auto status =
        value.convertFromString(token.text, llvm::APFloat::rmNearestTiesToEven);
    if (!status) {
      llvm::consumeError(status.takeError());
      return malformed(token, "a floating-point number looks like 1.5 or 1e-3");
    }
    if (value.isInfinity()) {
      return malformed(token, "f32 values go up to 3.4028235e38");
    }
    token.floatValue = value.convertToFloat();
    return token;
  }

  Token tooLong(Token token) {
    return malformed(token, "it has " + llvm::Twine(token.text.size()) +
                                " characters, at most " +
                                llvm::Twine(maxNumberLength) +
                                " are supported");
  }

  Token malformed(Token token, const llvm::Twine &expected) {
    diags.error(token.range(), "malformed number '" +
                                   token.text.take_front(40) +
                                   "': " + expected);
    token.kind = TokenKind::Error;
    return token;
  }

  StringRef rest;
  Diagnostics &diags;
  bool atLineStart = true;
};

} // namespace

std::vector<Token> lpgen::lex(StringRef text, Diagnostics &diags) {
  return Lexer(text, diags).run();
}

bool lpgen::isKeyword(StringRef text) {
  return llvm::StringSwitch<bool>(text)
      .Cases({"param", "op", "pad", "in", "lowest"}, true)
      .Default(false);
}

bool lpgen::isReservedWord(StringRef text) {
  return isKeyword(text) ||
         llvm::StringSwitch<bool>(text)
             .Cases({"sum", "max", "min"}, true)
             .Cases({"round", "floor", "ceil", "trunc", "f32"}, true)
             .Cases({"abs", "clamp", "relu", "floordiv", "rounddiv"}, true)
             .Cases({"rescale", "wrap", "random", "select"}, true)
             .Cases({"round_half_away", "round_half_up"}, true)
             .Default(false);
}

bool lpgen::isContextualFunction(StringRef text) {
  return text == "argmax" || text == "argmin" || text == "prod" ||
         text == "rescale_once" || floatFunctionNamed(text).has_value();
}
