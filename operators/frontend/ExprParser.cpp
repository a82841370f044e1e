// Expressions of the operator language, by recursive descent.
//
// Precedence from loose to tight: comparison, |, ^, &, << >>, + -, * / %,
// unary -. A reduction stands where a factor stands and takes the rest of the
// product that follows it.
#include "operators/frontend/ExprParser.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/SaveAndRestore.h"

using namespace lpgen;
using namespace lpgen::syntax;
using ast::BinaryOp;
using ast::ReduceOp;

const Token &ExprParser::peek(size_t ahead) const {
  return tokens[std::min(position + ahead, tokens.size() - 1)];
}

void ExprParser::advance() {
  if (position + 1 < tokens.size()) {
    ++position;
  }
}

bool ExprParser::accept(TokenKind kind) {
  if (!current().is(kind)) {
    return false;
  }
  advance();
  return true;
}

std::nullptr_t ExprParser::fail(const llvm::Twine &what) {
  const Token &token = current();
  if (token.is(TokenKind::End)) {
    diags.error(token.range(), "expected " + what + ", found the end of file");
  } else if (!token.is(TokenKind::Error)) {
    diags.error(token.range(), "expected " + what + ", found '" +
                                   token.text.take_front(40) + "'");
  }
  return nullptr;
}

bool ExprParser::expect(TokenKind kind, const llvm::Twine &what) {
  if (accept(kind)) {
    return true;
  }
  fail(what);
  return false;
}

std::optional<Name> ExprParser::expectName(const llvm::Twine &what) {
  const Token &token = current();
  if (!token.is(TokenKind::Name)) {
    fail(what);
    return std::nullopt;
  }
  if (isReservedWord(token.text)) {
    diags.error(token.range(), "expected " + what +
                                   ", found the reserved word '" + token.text +
                                   "'");
    return std::nullopt;
  }
  advance();
  return Name{token.text.str(), token.range()};
}

llvm::SMRange ExprParser::rangeFrom(llvm::SMLoc start) const {
  llvm::SMLoc end = position == 0 ? start : tokens[position - 1].range().End;
  return {start, end.getPointer() < start.getPointer() ? start : end};
}

/// Fills in range and depth; refuses a tree that is too deep. Chains such as
/// a+a+a... grow the tree without recursion here, so the recursion guard alone
/// would not protect the stages behind.
NodePtr ExprParser::finish(NodePtr node, llvm::SMLoc start) {
  node->range = rangeFrom(start);
  if (!node->loc.isValid()) {
    node->loc = start;
  }
  unsigned depth = 0;
  for (const NodePtr &child : node->children) {
    depth = std::max(depth, child->depth);
  }
  for (const BoundIndex &index : node->bound) {
    depth = std::max(depth, index.extent ? index.extent->depth : 0);
  }
  node->depth = depth + 1;
  if (node->depth > maxDepth) {
    diags.error(node->loc, llvm::SMRange(),
                "expression is nested more than " + llvm::Twine(maxDepth) +
                    " levels deep; split it into several statements");
    return nullptr;
  }
  return node;
}

NodePtr ExprParser::binary(BinaryOp op, const Token &token, NodePtr lhs,
                           NodePtr rhs) {
  auto node = std::make_unique<Node>();
  node->kind = Node::Kind::Binary;
  node->binaryOp = op;
  node->loc = token.range().Start;
  llvm::SMLoc start = lhs->range.Start;
  node->children.push_back(std::move(lhs));
  node->children.push_back(std::move(rhs));
  return finish(std::move(node), start);
}

static std::optional<BinaryOp> comparisonOp(TokenKind kind) {
  switch (kind) {
  case TokenKind::Less:
    return BinaryOp::Lt;
  case TokenKind::LessEqual:
    return BinaryOp::Le;
  case TokenKind::Greater:
    return BinaryOp::Gt;
  case TokenKind::GreaterEqual:
    return BinaryOp::Ge;
  case TokenKind::Equal:
    return BinaryOp::Eq;
  case TokenKind::NotEqual:
    return BinaryOp::Ne;
  default:
    return std::nullopt;
  }
}

NodePtr ExprParser::parseExpr() {
  NodePtr lhs = parseLevel(Level::Or);
  Token token = current();
  std::optional<BinaryOp> op = comparisonOp(token.kind);
  if (!lhs || !op) {
    return lhs;
  }
  advance();
  NodePtr rhs = parseLevel(Level::Or);
  if (!rhs) {
    return nullptr;
  }
  if (comparisonOp(current().kind)) {
    diags.error(current().range(),
                "comparisons do not chain; put one of them in parentheses");
    return nullptr;
  }
  return binary(*op, token, std::move(lhs), std::move(rhs));
}

/// The operator that `kind` is, if it is one of `level`.
static std::optional<BinaryOp> operatorOf(TokenKind kind, unsigned level) {
  struct Operator {
    TokenKind kind;
    unsigned level;
    BinaryOp op;
  };
  static constexpr Operator operators[] = {
      {TokenKind::Pipe, 0, BinaryOp::BitOr},
      {TokenKind::Caret, 1, BinaryOp::BitXor},
      {TokenKind::Ampersand, 2, BinaryOp::BitAnd},
      {TokenKind::ShiftLeft, 3, BinaryOp::ShiftLeft},
      {TokenKind::ShiftRight, 3, BinaryOp::ShiftRight},
      {TokenKind::Plus, 4, BinaryOp::Add},
      {TokenKind::Minus, 4, BinaryOp::Sub},
      {TokenKind::Star, 5, BinaryOp::Mul},
      {TokenKind::Slash, 5, BinaryOp::Div},
      {TokenKind::Percent, 5, BinaryOp::Mod},
  };
  for (const Operator &known : operators) {
    if (known.kind == kind && known.level == level) {
      return known.op;
    }
  }
  return std::nullopt;
}

NodePtr ExprParser::parseLevel(Level level) {
  const auto number = static_cast<unsigned>(level);
  const auto parseNext = [&] {
    return level == Level::Product ? parseUnary()
                                   : parseLevel(static_cast<Level>(number + 1));
  };
  NodePtr lhs = parseNext();
  while (lhs) {
    const Token token = current();
    const std::optional<BinaryOp> op = operatorOf(token.kind, number);
    if (!op) {
      break;
    }
    advance();
    NodePtr rhs = parseNext();
    lhs = rhs ? binary(*op, token, std::move(lhs), std::move(rhs)) : nullptr;
  }
  return lhs;
}

/// Every way down into an expression comes through here, so this is where the
/// recursion is bounded.
NodePtr ExprParser::parseUnary() {
  llvm::SaveAndRestore<unsigned> guard(nesting, nesting + 1);
  if (nesting > maxDepth) {
    diags.error(here(), llvm::SMRange(),
                "expression is nested more than " + llvm::Twine(maxDepth) +
                    " levels deep; split it into several statements");
    return nullptr;
  }
  llvm::SMLoc start = here();
  if (!accept(TokenKind::Minus)) {
    return parsePrimary();
  }
  NodePtr operand = parseUnary();
  if (!operand) {
    return nullptr;
  }
  auto node = std::make_unique<Node>();
  node->kind = Node::Kind::Negate;
  node->children.push_back(std::move(operand));
  return finish(std::move(node), start);
}

NodePtr ExprParser::parsePrimary() {
  Token token = current();
  llvm::SMLoc start = here();
  if (accept(TokenKind::LeftParen)) {
    NodePtr inner = parseExpr();
    return inner && expect(TokenKind::RightParen, "')'") ? std::move(inner)
                                                         : nullptr;
  }
  if (token.is(TokenKind::Int) || token.is(TokenKind::Float)) {
    advance();
    auto node = std::make_unique<Node>();
    node->kind = token.is(TokenKind::Int) ? Node::Kind::Int : Node::Kind::Float;
    node->intValue = token.intValue;
    node->floatValue = token.floatValue;
    return finish(std::move(node), start);
  }
  if (token.is(TokenKind::Name)) {
    return parseNamed();
  }
  if (accept(TokenKind::Question)) {
    std::optional<Name> name =
        expectName("the name of a run-time size after '?'");
    if (!name) {
      return nullptr;
    }
    auto node = std::make_unique<Node>();
    node->kind = Node::Kind::Size;
    node->name = name->text;
    return finish(std::move(node), start);
  }
  return fail("an expression");
}

static std::optional<Function> functionNamed(llvm::StringRef name) {
  return llvm::StringSwitch<std::optional<Function>>(name)
      .Case("round", Function::Round)
      .Case("floor", Function::Floor)
      .Case("ceil", Function::Ceil)
      .Case("trunc", Function::Trunc)
      .Case("abs", Function::Abs)
      .Case("max", Function::Max)
      .Case("min", Function::Min)
      .Case("clamp", Function::Clamp)
      .Case("relu", Function::Relu)
      .Case("floordiv", Function::FloorDiv)
      .Case("rounddiv", Function::RoundDiv)
      .Case("rescale", Function::Rescale)
      .Case("round_half_away", Function::RoundHalfAway)
      .Case("round_half_up", Function::RoundHalfUp)
      .Case("select", Function::Select)
      .Case("wrap", Function::Wrap)
      .Case("random", Function::Random)
      .Case("f32", Function::ToFloat)
      .Default(std::nullopt);
}

NodePtr ExprParser::parseNamed() {
  Token token = current();
  if (token.isWord("sum")) {
    return parseReduction(ReduceOp::Sum);
  }
  if ((token.isWord("max") || token.isWord("min")) && isReductionAhead()) {
    return parseReduction(token.isWord("max") ? ReduceOp::Max : ReduceOp::Min);
  }
  if (std::optional<Function> function = functionNamed(token.text)) {
    return parseCall(*function);
  }
  if (isContextualFunction(token.text) && isCallAhead()) {
    return token.isWord("argmax")         ? parseReduction(ReduceOp::ArgMax)
           : token.isWord("argmin")       ? parseReduction(ReduceOp::ArgMin)
           : token.isWord("prod")         ? parseReduction(ReduceOp::Product)
           : token.isWord("rescale_once") ? parseCall(Function::RescaleOnce)
                                          : parseCall(Function::OfFloat);
  }
  bool isCall = isCallAhead();
  std::optional<Name> name = expectName("an expression");
  if (!name) {
    return nullptr;
  }
  if (isCall) {
    diags.error(name->range,
                operators.contains(name->text)
                    ? "operator '" + name->text +
                          "' is called in a statement of its own, 'NAME = " +
                          name->text + "(...)'"
                    : "no function '" + name->text + "'");
    return nullptr;
  }
  auto node = std::make_unique<Node>();
  node->kind = Node::Kind::Name;
  node->name = name->text;
  if (accept(TokenKind::LeftBracket)) {
    node->hasSubscripts = true;
    if (!parseList(*node, TokenKind::RightBracket, "']'")) {
      return nullptr;
    }
  }
  return finish(std::move(node), name->range.Start);
}

NodePtr ExprParser::parseCall(Function function) {
  llvm::SMLoc start = here();
  std::string name = current().text.str();
  advance();
  if (!expect(TokenKind::LeftParen, "'(' after '" + name + "'")) {
    return nullptr;
  }
  auto node = std::make_unique<Node>();
  node->kind = Node::Kind::Call;
  node->function = function;
  node->name = name;
  if (!parseList(*node, TokenKind::RightParen, "')'")) {
    return nullptr;
  }
  return finish(std::move(node), start);
}

/// One or more expressions up to and with `close`.
bool ExprParser::parseList(Node &node, TokenKind close, const char *what) {
  do {
    NodePtr item = parseExpr();
    if (!item) {
      return false;
    }
    node.children.push_back(std::move(item));
  } while (accept(TokenKind::Comma));
  return expect(close, "',' or " + llvm::Twine(what));
}

/// True if '(' follows the current word on its line.
bool ExprParser::isCallAhead() const {
  return peek(1).is(TokenKind::LeftParen) && !peek(1).startsLine;
}

/// Tells `max(r, s) x[...]` from `max(a, b)`. It is a reduction if the
/// parentheses hold only names, and one of them has an extent, or there is one
/// name only, or the token behind the parenthesis begins a factor on the same
/// line; or if they hold `k <= i`. A minus does not count: `max(a, b) - 1` is a
/// difference.
bool ExprParser::isReductionAhead() const {
  if (!peek(1).is(TokenKind::LeftParen)) {
    return false;
  }
  if (peek(2).is(TokenKind::Name) && peek(3).is(TokenKind::LessEqual) &&
      peek(4).is(TokenKind::Name) && peek(5).is(TokenKind::RightParen)) {
    return true;
  }
  size_t ahead = 2;
  unsigned names = 0;
  while (peek(ahead).is(TokenKind::Name)) {
    ++names;
    if (peek(ahead + 1).is(TokenKind::Colon)) {
      return true;
    }
    if (!peek(ahead + 1).is(TokenKind::Comma)) {
      break;
    }
    ahead += 2;
  }
  if (!peek(ahead).is(TokenKind::Name) ||
      !peek(ahead + 1).is(TokenKind::RightParen)) {
    return false;
  }
  const Token &next = peek(ahead + 2);
  bool beginsFactor = next.is(TokenKind::Name) || next.is(TokenKind::Int) ||
                      next.is(TokenKind::Float) ||
                      next.is(TokenKind::LeftParen);
  return names == 1 || (beginsFactor && !next.startsLine);
}

NodePtr ExprParser::parseReduction(ReduceOp op) {
  llvm::SMLoc start = here();
  std::string word = current().text.str();
  advance();
  auto node = std::make_unique<Node>();
  node->kind = Node::Kind::Reduce;
  node->reduceOp = op;
  node->name = word;
  if (!expect(TokenKind::LeftParen, "'(' and the indices of '" + word + "'") ||
      !parseBoundIndices(*node)) {
    return nullptr;
  }
  NodePtr body = parseLevel(Level::Product);
  if (!body) {
    return nullptr;
  }
  node->children.push_back(std::move(body));
  return finish(std::move(node), start);
}

bool ExprParser::parseBoundIndices(Node &node) {
  do {
    std::optional<Name> name = expectName("an index name");
    if (!name) {
      return false;
    }
    NodePtr extent;
    std::optional<Name> last;
    if (accept(TokenKind::Colon)) {
      extent = parseExpr();
      if (!extent) {
        return false;
      }
    } else if (accept(TokenKind::LessEqual)) {
      last = expectName("the name of an index");
      if (!last) {
        return false;
      }
    }
    node.bound.push_back({std::move(*name), std::move(extent), last});
  } while (accept(TokenKind::Comma));
  return expect(TokenKind::RightParen, "',' or ')' after an index");
}
