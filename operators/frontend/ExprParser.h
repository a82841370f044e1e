// Expressions, and the token cursor that all of the parser shares.
//
// DeclParser.h derives declarations from it, Parser.cpp statements and files. A
// function that returns null has reported the reason; the caller gives up its
// construct and recovers.
#ifndef LPGEN_OPERATORS_FRONTEND_EXPRPARSER_H
#define LPGEN_OPERATORS_FRONTEND_EXPRPARSER_H

#include "operators/frontend/Lexer.h"
#include "operators/frontend/Syntax.h"
#include "llvm/ADT/StringSet.h"

namespace lpgen {

class ExprParser {
public:
  /// `operators` are those of this file and of what it includes.
  ExprParser(std::vector<Token> tokens, const llvm::StringSet<> &operators,
             Diagnostics &diags)
      : diags(diags), operators(operators), tokens(std::move(tokens)) {}

  /// comparison := or [ ('<'|'<='|'>'|'>='|'=='|'!=') or ]
  syntax::NodePtr parseExpr();

protected:
  const Token &peek(size_t ahead = 0) const;
  const Token &current() const { return peek(); }
  void advance();
  bool accept(TokenKind kind);
  /// Consumes a token of `kind`, or reports that `what` was expected.
  bool expect(TokenKind kind, const llvm::Twine &what);
  /// Consumes a name that is not a reserved word.
  std::optional<syntax::Name> expectName(const llvm::Twine &what);
  /// Reports at the current token that `what` was expected; returns null.
  std::nullptr_t fail(const llvm::Twine &what);
  /// From `start` to the end of the token before the current one.
  llvm::SMRange rangeFrom(llvm::SMLoc start) const;
  llvm::SMLoc here() const { return current().range().Start; }

  /// The levels of binary operators that group from the left.
  enum class Level { Or, Xor, And, Shift, Sum, Product };
  /// level := next { operator of the level, next }
  syntax::NodePtr parseLevel(Level level);

  Diagnostics &diags;
  const llvm::StringSet<> &operators;
  size_t position = 0;

private:
  syntax::NodePtr parseUnary();
  syntax::NodePtr parsePrimary();
  syntax::NodePtr parseReduction(ast::ReduceOp op);
  syntax::NodePtr parseCall(syntax::Function function);
  syntax::NodePtr parseNamed();
  bool parseBoundIndices(syntax::Node &node);
  bool parseList(syntax::Node &node, TokenKind close, const char *what);
  bool isCallAhead() const;
  bool isReductionAhead() const;
  syntax::NodePtr binary(ast::BinaryOp op, const Token &token,
                         syntax::NodePtr lhs, syntax::NodePtr rhs);
  syntax::NodePtr finish(syntax::NodePtr node, llvm::SMLoc start);

  std::vector<Token> tokens;
  unsigned nesting = 0;
};

} // namespace lpgen

#endif // LPGEN_OPERATORS_FRONTEND_EXPRPARSER_H
