// The checker: syntax tree -> checked tree.
//
// Works per operator in four steps: declarations (SemaDecls), names, subscripts
// and shape equations (SemaLower, SemaSubscripts), extents and subscript bounds
// (SemaExtents), types and value ranges (SemaTypes).
#ifndef LPGEN_OPERATORS_FRONTEND_SEMA_H
#define LPGEN_OPERATORS_FRONTEND_SEMA_H

#include "operators/frontend/Diagnostics.h"
#include "operators/frontend/ParseOptions.h"
#include "operators/frontend/Syntax.h"

namespace lpgen {

/// Checks a whole file. `fileName` is its path. What failed was reported to
/// `diags` and is absent from the result.
ast::File checkFile(const syntax::FileDecl &file, const ParseOptions &options,
                    llvm::StringRef fileName, Diagnostics &diags);

} // namespace lpgen

#endif // LPGEN_OPERATORS_FRONTEND_SEMA_H
