// Interval arithmetic for the value ranges that Sema proves.
//
// Operands are ranges of 64-bit integers; results are computed in 128 bits,
// where no single operation on such operands can overflow, and Sema refuses
// whatever leaves 64 bits before it becomes an operand again.
#ifndef LPGEN_OPERATORS_FRONTEND_INTERVAL_H
#define LPGEN_OPERATORS_FRONTEND_INTERVAL_H

#include "operators/frontend/Ast.h"
#include <string>

namespace lpgen {

using Int128 = __int128;

/// A closed interval of 128-bit integers.
struct Interval {
  Int128 lo = 0;
  Int128 hi = 0;

  Interval() = default;
  Interval(Int128 lo, Int128 hi) : lo(lo), hi(hi) {}
  Interval(ast::IntRange range) : lo(range.lo), hi(range.hi) {}

  bool operator==(const Interval &other) const = default;
  bool within(Int128 lowest, Int128 highest) const {
    return lo >= lowest && hi <= highest;
  }
  bool contains(Int128 value) const { return lo <= value && value <= hi; }
  bool fitsInt64() const { return within(INT64_MIN, INT64_MAX); }
  bool fitsInt32() const { return within(INT32_MIN, INT32_MAX); }
  /// Only when fitsInt64().
  ast::IntRange toRange() const {
    return {static_cast<int64_t>(lo), static_cast<int64_t>(hi)};
  }
  /// "[lo, hi]".
  std::string str() const;
};

/// Quotient rounded toward minus infinity; `b` is not 0.
Int128 floorDivide(Int128 a, Int128 b);
/// Quotient rounded to nearest, ties away from zero; `b` is not 0.
Int128 roundDivide(Int128 a, Int128 b);

Interval join(Interval a, Interval b);
Interval negate(Interval a);
Interval absolute(Interval a);
/// The range of `op` over operands in `a` and `b`. Preconditions, which Sema
/// checks first: a divisor's range does not contain 0, a shift's lies in [0,
/// 63], and `op` is not Div, which integers do not have.
Interval apply(ast::BinaryOp op, Interval a, Interval b);
/// The range of a sum of `fewest` to `most` terms in `term`.
Interval sumOf(Interval term, Int128 fewest, Int128 most);
/// The range of a product of `fewest` to `most` terms in `term`, from 64 bits;
/// one that does not fit 64 bits if the product does not.
Interval productOf(Interval term, Int128 fewest, Int128 most);

} // namespace lpgen

#endif // LPGEN_OPERATORS_FRONTEND_INTERVAL_H
