// Text -> checked syntax tree: the one entry to the front end.
#ifndef LPGEN_OPERATORS_FRONTEND_PARSER_H
#define LPGEN_OPERATORS_FRONTEND_PARSER_H

#include "operators/frontend/Ast.h"
#include "operators/frontend/ParseOptions.h"
#include "llvm/Support/SourceMgr.h"
#include <optional>

namespace lpgen {

/// Lexes, parses and checks the main buffer of `sources`, whose identifier is
/// its path, and adds the buffers that it includes. Every problem is
/// reported through `sources` (its diagnostic handler if one is set); returns
/// nothing if there was an error. As many independent errors as is sensible are
/// reported in one run. Locations in the tree point into the buffers, which
/// must outlive it.
std::optional<ast::File> parseFile(llvm::SourceMgr &sources,
                                   const ParseOptions &options = {});

} // namespace lpgen

#endif // LPGEN_OPERATORS_FRONTEND_PARSER_H
