// Text -> checked syntax tree: the one entry to the front end.
#ifndef LPGEN_OPERATORS_FRONTEND_PARSER_H
#define LPGEN_OPERATORS_FRONTEND_PARSER_H

#include "operators/frontend/Ast.h"
#include "llvm/Support/SourceMgr.h"
#include <map>
#include <optional>

namespace lpgen {

/// What the command line says about a file.
struct ParseOptions {
  /// -D NAME=VALUE: overrides `param NAME`. A name the file does not declare is
  /// an error without a place in the file.
  std::map<std::string, int64_t> defines;
};

/// Lexes, parses and checks the main buffer of `sources`. Every problem is
/// reported through `sources` (its diagnostic handler if one is set); returns
/// nothing if there was an error. As many independent errors as is sensible are
/// reported in one run. Locations in the tree point into the buffer, which must
/// outlive it.
std::optional<ast::File> parseFile(llvm::SourceMgr &sources,
                                   const ParseOptions &options = {});

} // namespace lpgen

#endif // LPGEN_OPERATORS_FRONTEND_PARSER_H
