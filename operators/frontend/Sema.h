// The checker: syntax tree -> checked tree.
//
// Works per operator in four steps: declarations (SemaDecls), names, subscripts
// and shape equations (SemaLower, SemaSubscripts), extents and subscript bounds
// (SemaExtents), types and value ranges (SemaTypes). What an operator calls
// goes through them in the place of the call (SemaCalls, SemaGenerics).
#ifndef LPGEN_OPERATORS_FRONTEND_SEMA_H
#define LPGEN_OPERATORS_FRONTEND_SEMA_H

#include "operators/frontend/Diagnostics.h"
#include "operators/frontend/ParseOptions.h"
#include "operators/frontend/Syntax.h"

namespace lpgen {

/// Checks a file with all that it includes. What failed was reported to `diags`
/// and is absent from the result.
ast::File checkProgram(const syntax::Program &program,
                       const ParseOptions &options, Diagnostics &diags);

} // namespace lpgen

#endif // LPGEN_OPERATORS_FRONTEND_SEMA_H
