// Operators and statements of the operator language, and the entry
// parseFile, which runs lexer, parser and checker in turn.
//
// After an error inside an operator's body the parser goes on at the next line
// that looks like a statement, after one in a header at the next declaration.
#include "operators/frontend/Parser.h"
#include "operators/frontend/DeclParser.h"
#include "operators/frontend/Includes.h"
#include "operators/frontend/Sema.h"

using namespace lpgen;
using namespace lpgen::syntax;

namespace {

class Parser : public DeclParser {
public:
  using DeclParser::DeclParser;

  void parse(FileDecl &file) {
    while (!current().is(TokenKind::End) && !diags.tooManyErrors()) {
      size_t start = position;
      bool ok = true;
      if (current().isWord("param")) {
        ok = parseParam(file);
      } else if (atInclude()) {
        position += 2; // Includes.cpp has read it.
      } else if (current().isWord("op")) {
        ok = parseOp(file);
      } else if (current().isWord("const")) {
        ok = parseConst(file);
      } else {
        fail("'op', 'param', 'const' or 'include'");
        ok = false;
      }
      if (!ok) {
        recoverToDeclaration(start);
      }
    }
  }

private:
  bool atInclude() const {
    return current().isWord("include") && peek(1).is(TokenKind::String);
  }

  bool parseParam(FileDecl &file) {
    advance();
    std::optional<Name> name = expectName("a parameter name after 'param'");
    if (!name || !expect(TokenKind::Assign, "'=' after a parameter name")) {
      return false;
    }
    // Kept without a value after an error, so that its uses are not reported
    // too.
    file.params.push_back({std::move(*name), parseExpr()});
    return file.params.back().value != nullptr;
  }

  bool parseConst(FileDecl &file) {
    advance();
    std::optional<Name> name = expectName("the name of a constant");
    if (!name) {
      return false;
    }
    // Kept after an error, so that its uses are not reported too.
    ConstDecl &decl = file.constants.emplace_back();
    decl.tensor.name = std::move(*name);
    if (!expect(TokenKind::Colon, "':' and a type") ||
        !parseType(decl.tensor.type) ||
        (accept(TokenKind::LeftBracket) && !parseShape(decl.tensor.shape)) ||
        !expect(TokenKind::Assign, "'=' and the name of a stored tensor")) {
      return false;
    }
    if (!current().is(TokenKind::String)) {
      fail("the name of a stored tensor in quotes");
      return false;
    }
    decl.source = current().stringValue().str();
    decl.sourceRange = current().range();
    decl.isComplete = true;
    advance();
    return true;
  }

  bool parseOp(FileDecl &file) {
    advance();
    OpDecl op;
    if (!parseOpName(op.name)) {
      return false;
    }
    file.opNames.push_back(op.name);
    if (accept(TokenKind::Less) && !parseParams(op.params)) {
      return false;
    }
    if (!parseTensors(op.inputs, "the inputs") ||
        !expect(TokenKind::Arrow, "'->' and the outputs") ||
        !parseTensors(op.outputs, "the outputs") ||
        !expect(TokenKind::LeftBrace, "'{' and the statements")) {
      return false;
    }
    // An operator with a hole in it would only give follow-up errors.
    if (parseBody(op)) {
      file.ops.push_back(std::move(op));
    }
    return true;
  }

  /// Operators may have the names of functions: they are called elsewhere.
  bool parseOpName(Name &name) {
    const Token &token = current();
    if (!token.is(TokenKind::Name) || isKeyword(token.text)) {
      return expectName("an operator name").has_value();
    }
    name = {token.text.str(), token.range()};
    advance();
    return true;
  }

  /// What stands behind '<', with the '>'.
  bool parseParams(std::vector<GenericParam> &params) {
    do {
      GenericParam param;
      std::optional<Name> name = expectName("the name of a parameter");
      if (!name) {
        return false;
      }
      param.name = std::move(*name);
      if (accept(TokenKind::Assign)) {
        // A comparison in it would take the '>'.
        param.value = parseLevel(Level::Sum);
        if (!param.value) {
          return false;
        }
      }
      params.push_back(std::move(param));
    } while (accept(TokenKind::Comma));
    return expect(TokenKind::Greater, "',' or '>' after a parameter");
  }

  /// False if a statement was left out because of an error.
  bool parseBody(OpDecl &op) {
    bool ok = true;
    while (!accept(TokenKind::RightBrace)) {
      if (current().is(TokenKind::End) || atDeclaration()) {
        fail("a statement or '}'");
        return false;
      }
      if (diags.tooManyErrors()) {
        return false;
      }
      size_t start = position;
      if (std::optional<StatementDecl> statement = parseStatement()) {
        op.statements.push_back(std::move(*statement));
      } else {
        ok = false;
        recoverToStatement(start);
      }
    }
    return ok;
  }

  bool atDeclaration() const {
    // In a body `const` may also name a tensor.
    return current().startsLine &&
           (current().isWord("op") || current().isWord("param") ||
            atInclude() ||
            (current().isWord("const") && peek(1).is(TokenKind::Name) &&
             peek(2).is(TokenKind::Colon)));
  }

  void recoverToDeclaration(size_t start) {
    if (position == start) {
      advance();
    }
    while (!current().is(TokenKind::End) && !atDeclaration()) {
      advance();
    }
  }

  void recoverToStatement(size_t start) {
    if (position == start && !current().is(TokenKind::RightBrace)) {
      advance();
    }
    while (!current().is(TokenKind::End) &&
           !current().is(TokenKind::RightBrace) && !atDeclaration()) {
      bool startsStatement =
          current().startsLine && current().is(TokenKind::Name) &&
          (peek(1).is(TokenKind::LeftBracket) || peek(1).is(TokenKind::Colon) ||
           peek(1).is(TokenKind::Assign));
      bool startsList =
          current().startsLine && current().is(TokenKind::LeftParen) &&
          peek(1).is(TokenKind::Name) &&
          (peek(2).is(TokenKind::Comma) || peek(2).is(TokenKind::Colon));
      if (startsStatement || startsList) {
        return;
      }
      advance();
    }
  }

  std::optional<StatementDecl> parseStatement() {
    StatementDecl statement;
    bool isList = current().is(TokenKind::LeftParen);
    bool isTargetRight =
        isList ? parseTargetList(statement.targets) : parseTarget(statement);
    if (!isTargetRight || !expect(TokenKind::Assign, "'=' and an expression")) {
      return std::nullopt;
    }
    if (isList || (statement.indices.empty() && isOpCallAhead())) {
      if (!parseOpCall(statement.call.emplace())) {
        return std::nullopt;
      }
    } else {
      statement.value = parseExpr();
      if (!statement.value) {
        return std::nullopt;
      }
    }
    const Token &next = current();
    bool ends = next.startsLine || next.is(TokenKind::RightBrace) ||
                next.is(TokenKind::End) || next.is(TokenKind::Name);
    if (!ends) {
      fail(statement.call ? "the next statement"
                          : "an operator or the next statement");
      return std::nullopt;
    }
    return statement;
  }

  /// `NAME[indices]: declaration`
  bool parseTarget(StatementDecl &statement) {
    Target target;
    std::optional<Name> name =
        expectName("a statement 'NAME[indices] = expression' or '}'");
    if (!name) {
      return false;
    }
    target.name = std::move(*name);
    if (accept(TokenKind::LeftBracket)) {
      do {
        std::optional<Name> index = expectName("an index name");
        if (!index) {
          return false;
        }
        statement.indices.push_back(std::move(*index));
      } while (accept(TokenKind::Comma));
      if (!expect(TokenKind::RightBracket,
                  "',' or ']' (left-hand subscripts are plain index names)")) {
        return false;
      }
    }
    bool ok = parseTargetType(target);
    statement.targets.push_back(std::move(target));
    return ok;
  }

  bool parseTargetType(Target &target) {
    if (!accept(TokenKind::Colon)) {
      return true;
    }
    target.declaration.emplace().name = target.name;
    return parseDeclaration(*target.declaration);
  }

  /// `(NAME: declaration, ...)`
  bool parseTargetList(std::vector<Target> &targets) {
    advance();
    do {
      std::optional<Name> name = expectName("the name of a result");
      if (!name) {
        return false;
      }
      Target target;
      target.name = std::move(*name);
      if (!parseTargetType(target)) {
        return false;
      }
      targets.push_back(std::move(target));
    } while (accept(TokenKind::Comma));
    return expect(TokenKind::RightParen, "',' or ')' after a result");
  }

  /// A name before '(' or '<' that is not the start of an expression: there
  /// neither '=' nor '>' follows '<' and a name.
  bool isOpCallAhead() const {
    const Token &next = peek(1);
    if (!current().is(TokenKind::Name) || next.startsLine) {
      return false;
    }
    if (next.is(TokenKind::Less)) {
      bool isGreater =
          peek(3).is(TokenKind::Greater) && operators.contains(current().text);
      return peek(2).is(TokenKind::Name) &&
             (peek(3).is(TokenKind::Assign) || isGreater);
    }
    return next.is(TokenKind::LeftParen) &&
           (operators.contains(current().text) ||
            (!isReservedWord(current().text) &&
             !isContextualFunction(current().text)));
  }

  bool parseOpCall(OpCall &call) {
    if (!parseOpName(call.callee)) {
      return false;
    }
    if (!operators.contains(call.callee.text)) {
      diags.error(call.callee.range,
                  "no operator or function '" + call.callee.text + "'");
      return false;
    }
    if (accept(TokenKind::Less) && !parseParams(call.params)) {
      return false;
    }
    if (!expect(TokenKind::LeftParen, "'(' and the arguments")) {
      return false;
    }
    if (accept(TokenKind::RightParen)) {
      return true;
    }
    do {
      std::optional<Name> argument =
          expectName("the name of a tensor as argument");
      if (!argument) {
        return false;
      }
      call.arguments.push_back(std::move(*argument));
    } while (accept(TokenKind::Comma));
    return expect(TokenKind::RightParen,
                  "',' or ')' (an argument is the name of a tensor)");
  }
};

} // namespace

std::optional<ast::File> lpgen::parseFile(llvm::SourceMgr &sources,
                                          const ParseOptions &options) {
  Diagnostics diags(sources);
  Program program;
  for (SourceFile &source : loadFiles(sources, options, diags)) {
    llvm::SMRange end = source.tokens.back().range();
    FileDecl &file = program.emplace_back();
    file.path = std::move(source.path);
    file.includes = std::move(source.includes);
    Parser(std::move(source.tokens), source.operators, diags).parse(file);
    if (source.isMain && file.opNames.empty() && diags.numErrors() == 0) {
      diags.error(end, "no operator in this file: expected 'op NAME(inputs) "
                       "-> (outputs) { ... }'");
    }
  }
  ast::File file = checkProgram(program, options, diags);
  if (diags.numErrors() != 0) {
    return std::nullopt;
  }
  return file;
}
