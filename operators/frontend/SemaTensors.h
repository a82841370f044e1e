// What declarations of tensors have in common, in operators and of constants:
// type, extents, and the limits of both. What is wrong is reported.
#ifndef LPGEN_OPERATORS_FRONTEND_SEMATENSORS_H
#define LPGEN_OPERATORS_FRONTEND_SEMATENSORS_H

#include "operators/frontend/SemaConstants.h"

namespace lpgen {

/// Sizes that everything behind the front end may rely on.
constexpr int64_t maxElements = int64_t{1} << 40;
constexpr unsigned maxRank = 16;

std::optional<ElementType> resolveType(const syntax::TypeSyntax &type,
                                       ConstantEvaluator &constants,
                                       Diagnostics &diags);
/// The value of a constant extent or bound.
std::optional<int64_t> resolveExtent(const syntax::Node &node,
                                     ConstantEvaluator &constants,
                                     Diagnostics &diags);
bool checkRank(const syntax::Name &name, size_t rank, Diagnostics &diags);
/// The number of elements, run-time sizes at their bounds.
bool checkElements(const ast::Tensor &tensor, llvm::SMRange range,
                   Diagnostics &diags);

} // namespace lpgen

#endif // LPGEN_OPERATORS_FRONTEND_SEMATENSORS_H
