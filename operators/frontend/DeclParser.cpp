// Types, shapes and tensors of the operator language. See DeclParser.h.
#include "operators/frontend/DeclParser.h"

using namespace lpgen;
using namespace lpgen::syntax;

bool DeclParser::parseTensors(std::vector<TensorDecl> &tensors,
                              const char *what) {
  if (!expect(TokenKind::LeftParen, llvm::Twine("'(' and ") + what)) {
    return false;
  }
  if (accept(TokenKind::RightParen)) {
    return true;
  }
  do {
    TensorDecl tensor;
    if (!parseTensor(tensor)) {
      return false;
    }
    tensors.push_back(std::move(tensor));
  } while (accept(TokenKind::Comma));
  return expect(TokenKind::RightParen,
                "',' or ')' after a tensor's declaration");
}

bool DeclParser::parseTensor(TensorDecl &tensor) {
  std::optional<Name> name = expectName("a tensor name");
  if (!name || !expect(TokenKind::Colon, "':' and a type")) {
    return false;
  }
  tensor.name = std::move(*name);
  return parseDeclaration(tensor);
}

bool DeclParser::parseDeclaration(TensorDecl &tensor) {
  if (!parseType(tensor.type)) {
    return false;
  }
  if (accept(TokenKind::LeftBracket) && !parseShape(tensor.shape)) {
    return false;
  }
  while (true) {
    if (current().isWord("pad")) {
      if (tensor.pad) {
        diags.error(current().range(), "'pad' is given twice");
        return false;
      }
      if (!parsePad(tensor.pad.emplace())) {
        return false;
      }
    } else if (current().isWord("in")) {
      if (tensor.in) {
        diags.error(current().range(), "'in' is given twice");
        return false;
      }
      if (!parseRange(tensor.in.emplace())) {
        return false;
      }
    } else if (current().isWord("strides")) {
      if (tensor.strides) {
        diags.error(current().range(), "'strides' is given twice");
        return false;
      }
      if (!parseStrides(tensor.strides.emplace())) {
        return false;
      }
    } else {
      return true;
    }
  }
}

bool DeclParser::parseStrides(StridesSyntax &strides) {
  llvm::SMLoc start = here();
  advance();
  bool ok = expect(TokenKind::LeftBracket, "'[' after 'strides'") &&
            parseShape(strides.strides);
  strides.range = rangeFrom(start);
  return ok;
}

bool DeclParser::parseType(TypeSyntax &type) {
  llvm::SMLoc start = here();
  if (!current().is(TokenKind::Name)) {
    fail("a type: " + listElementTypes());
    return false;
  }
  type.text = current().text.str();
  advance();
  if (accept(TokenKind::LeftBrace)) {
    type.width = parseExpr();
    if (!type.width || !expect(TokenKind::RightBrace, "'}' after a width")) {
      return false;
    }
  }
  type.range = rangeFrom(start);
  return true;
}

/// An extent, `?NAME`, or `?NAME <= extent`.
bool DeclParser::parseDimension(Dimension &dimension) {
  llvm::SMLoc start = here();
  const bool isBounded = current().is(TokenKind::Question) &&
                         peek(1).is(TokenKind::Name) &&
                         peek(2).is(TokenKind::LessEqual);
  if (isBounded) {
    advance();
    dimension.symbol = expectName("the name of a run-time size after '?'");
    if (!dimension.symbol) {
      return false;
    }
    advance();
  }
  dimension.value = parseExpr();
  if (!dimension.value) {
    return false;
  }
  if (!isBounded && dimension.value->kind == Node::Kind::Size) {
    dimension.symbol = {dimension.value->name, dimension.value->range};
    dimension.value = nullptr;
  }
  dimension.range = rangeFrom(start);
  return true;
}

bool DeclParser::parseShape(std::vector<Dimension> &shape) {
  if (current().is(TokenKind::RightBracket)) {
    fail("an extent (a scalar is declared without brackets)");
    return false;
  }
  do {
    Dimension dimension;
    if (!parseDimension(dimension)) {
      return false;
    }
    shape.push_back(std::move(dimension));
  } while (accept(TokenKind::Comma));
  return expect(TokenKind::RightBracket, "',' or ']' after an extent");
}

bool DeclParser::parsePad(PadSyntax &pad) {
  llvm::SMLoc start = here();
  advance();
  if (!expect(TokenKind::LeftParen, "'(' after 'pad'")) {
    return false;
  }
  if (current().isWord("lowest")) {
    advance();
  } else {
    pad.value = parseExpr();
    if (!pad.value) {
      return false;
    }
  }
  bool ok = expect(TokenKind::RightParen, "')' after the padding value");
  pad.range = rangeFrom(start);
  return ok;
}

bool DeclParser::parseRange(RangeSyntax &range) {
  llvm::SMLoc start = here();
  advance();
  if (!expect(TokenKind::LeftBracket, "'[' after 'in'")) {
    return false;
  }
  range.lo = parseExpr();
  if (!range.lo || !expect(TokenKind::Comma, "',' and the upper end")) {
    return false;
  }
  range.hi = parseExpr();
  bool ok = range.hi && expect(TokenKind::RightBracket, "']' after a range");
  range.range = rangeFrom(start);
  return ok;
}
