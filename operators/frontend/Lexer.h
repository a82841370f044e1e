// Text -> tokens, the first step of the front end.
//
// The whole buffer is cut into tokens at once: the parser looks several tokens
// ahead to tell a `max` reduction from a call of `max`, and needs to know which
// token starts a line.
#ifndef LPGEN_OPERATORS_FRONTEND_LEXER_H
#define LPGEN_OPERATORS_FRONTEND_LEXER_H

#include "operators/frontend/Diagnostics.h"
#include "llvm/ADT/StringRef.h"
#include <cstdint>
#include <vector>

namespace lpgen {

enum class TokenKind {
  End,   ///< The end of the text; always the last token.
  Error, ///< Text that is no token; already reported.
  Name,  ///< Also keywords and function names; see isReservedWord.
  Int,
  Float,
  String, ///< `text` is with the quotes; see stringValue.
  LeftParen,
  RightParen,
  LeftBracket,
  RightBracket,
  LeftBrace,
  RightBrace,
  Comma,
  Colon,
  Question,
  Assign,
  Arrow,
  Plus,
  Minus,
  Star,
  Slash,
  Percent,
  Ampersand,
  Pipe,
  Caret,
  ShiftLeft,
  ShiftRight,
  Less,
  LessEqual,
  Greater,
  GreaterEqual,
  Equal,
  NotEqual,
};

struct Token {
  TokenKind kind = TokenKind::End;
  llvm::StringRef text;
  int64_t intValue = 0;    ///< Int
  float floatValue = 0;    ///< Float, rounded to nearest even
  bool startsLine = false; ///< First token of its line.

  bool is(TokenKind other) const { return kind == other; }
  /// True if this is the word `word`.
  bool isWord(llvm::StringRef word) const {
    return kind == TokenKind::Name && text == word;
  }
  /// String: what stands between the quotes.
  llvm::StringRef stringValue() const { return text.drop_front().drop_back(); }
  llvm::SMRange range() const {
    return {llvm::SMLoc::getFromPointer(text.begin()),
            llvm::SMLoc::getFromPointer(text.end())};
  }
};

/// Cuts `text` into tokens. Text that is no token is reported and becomes an
/// Error token, so that the parser can resume behind it.
std::vector<Token> lex(llvm::StringRef text, Diagnostics &diags);

/// True for the words of the language, which name nothing else.
bool isKeyword(llvm::StringRef text);

/// True for these and for the functions, which name at most operators.
bool isReservedWord(llvm::StringRef text);

/// True for the functions that are such only before '(', and names elsewhere.
bool isContextualFunction(llvm::StringRef text);

} // namespace lpgen

#endif // LPGEN_OPERATORS_FRONTEND_LEXER_H
