// What stands behind a name and its colon: type, shape, padding and range of a
// tensor. Parser.cpp derives statements and whole files from it.
#ifndef LPGEN_OPERATORS_FRONTEND_DECLPARSER_H
#define LPGEN_OPERATORS_FRONTEND_DECLPARSER_H

#include "operators/frontend/ExprParser.h"

namespace lpgen {

class DeclParser : public ExprParser {
protected:
  using ExprParser::ExprParser;

  /// `(NAME: declaration, ...)`; `what` names them in the message.
  bool parseTensors(std::vector<syntax::TensorDecl> &tensors, const char *what);
  /// What stands behind "NAME:".
  bool parseDeclaration(syntax::TensorDecl &tensor);
  bool parseType(syntax::TypeSyntax &type);
  /// What stands behind '[', with the ']'.
  bool parseShape(std::vector<syntax::Dimension> &shape);

private:
  bool parseTensor(syntax::TensorDecl &tensor);
  bool parseDimension(syntax::Dimension &dimension);
  bool parsePad(syntax::PadSyntax &pad);
  bool parseRange(syntax::RangeSyntax &range);
  bool parseStrides(syntax::StridesSyntax &strides);
};

} // namespace lpgen

#endif // LPGEN_OPERATORS_FRONTEND_DECLPARSER_H
