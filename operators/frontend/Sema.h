// The checker: syntax tree -> checked tree.
//
// Works per operator in four steps: declarations (SemaDecls), names, subscripts
// and shape equations (SemaLower, SemaSubscripts), extents and subscript bounds
// (SemaExtents), types and value ranges (SemaTypes).
#ifndef LPGEN_OPERATORS_FRONTEND_SEMA_H
#define LPGEN_OPERATORS_FRONTEND_SEMA_H

#include "operators/frontend/Diagnostics.h"
#include "operators/frontend/Syntax.h"
#include <map>

namespace lpgen {

/// Checks a whole file. `defines` overrides its parameters; `fileName` is for
/// the message about one it does not declare. What failed was reported to
/// `diags` and is absent from the result.
ast::File checkFile(const syntax::FileDecl &file,
                    const std::map<std::string, int64_t> &defines,
                    llvm::StringRef fileName, Diagnostics &diags);

} // namespace lpgen

#endif // LPGEN_OPERATORS_FRONTEND_SEMA_H
