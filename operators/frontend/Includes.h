// The text of a file and of all that it includes -> tokens of each.
//
// The first step of the front end. Which operators a file can call is known
// before it is parsed: an operator may have the name of a function.
#ifndef LPGEN_OPERATORS_FRONTEND_INCLUDES_H
#define LPGEN_OPERATORS_FRONTEND_INCLUDES_H

#include "operators/frontend/Lexer.h"
#include "operators/frontend/ParseOptions.h"
#include "llvm/ADT/StringSet.h"

namespace lpgen {

/// One file, cut into tokens.
struct SourceFile {
  std::string path;
  std::vector<Token> tokens;
  /// The files that it includes itself, by their positions.
  std::vector<size_t> includes;
  /// The operators that it declares, and those of what it includes.
  llvm::StringSet<> operators;
  bool isMain = false;
};

/// Reads the main buffer of `sources` and what it includes. What is included
/// stands before the files that include it; the main one is the last. An
/// `include` that cannot be followed is reported and left out.
std::vector<SourceFile> loadFiles(llvm::SourceMgr &sources,
                                  const ParseOptions &options,
                                  Diagnostics &diags);

} // namespace lpgen

#endif // LPGEN_OPERATORS_FRONTEND_INCLUDES_H
