// The range of a sum of products with a constant, from the constant's values.
#ifndef LPGEN_OPERATORS_FRONTEND_CONSTANTSUMS_H
#define LPGEN_OPERATORS_FRONTEND_CONSTANTSUMS_H

#include "operators/frontend/Interval.h"

namespace lpgen {

/// Where the term of `sum` is a product of a constant, read by lone indices,
/// and a value a of known range: the least and the greatest that the sum of any
/// of the terms of an output can be, with the worst a for each element. Nothing
/// for other sums. Ranges of the operands are known.
std::optional<Interval> rangeOfConstantSum(const ast::Op &op,
                                           const ast::Statement &statement,
                                           const ast::Expr &sum);

} // namespace lpgen

#endif // LPGEN_OPERATORS_FRONTEND_CONSTANTSUMS_H
