// Interval arithmetic: see Interval.h.
#include "operators/frontend/Interval.h"
#include "llvm/Support/ErrorHandling.h"
#include <algorithm>

using namespace lpgen;
using ast::BinaryOp;

static std::string toString(Int128 value) {
  bool isNegative = value < 0;
  auto magnitude = isNegative ? -static_cast<unsigned __int128>(value)
                              : static_cast<unsigned __int128>(value);
  std::string digits;
  do {
    digits += static_cast<char>('0' + static_cast<int>(magnitude % 10));
    magnitude /= 10;
  } while (magnitude != 0);
  digits += isNegative ? "-" : "";
  std::reverse(digits.begin(), digits.end());
  return digits;
}

std::string Interval::str() const {
  return "[" + toString(lo) + ", " + toString(hi) + "]";
}

Int128 lpgen::floorDivide(Int128 a, Int128 b) {
  Int128 quotient = a / b;
  bool isExact = a % b == 0;
  return quotient - (!isExact && (a < 0) != (b < 0));
}

Int128 lpgen::roundDivide(Int128 a, Int128 b) {
  Int128 magnitude = a < 0 ? -a : a;
  Int128 divisor = b < 0 ? -b : b;
  Int128 rounded = (magnitude + divisor / 2) / divisor;
  return (a < 0) != (b < 0) ? -rounded : rounded;
}

Interval lpgen::join(Interval a, Interval b) {
  return {std::min(a.lo, b.lo), std::max(a.hi, b.hi)};
}

Interval lpgen::negate(Interval a) { return {-a.hi, -a.lo}; }

Interval lpgen::absolute(Interval a) {
  Interval mirrored = negate(a);
  Int128 hi = std::max(a.hi, mirrored.hi);
  return {a.contains(0) ? 0 : std::max(a.lo, mirrored.lo), hi};
}

/// For an operation monotone in each operand the extremes lie in the corners.
template <typename Operation>
static Interval corners(Interval a, Interval b, Operation operation) {
  auto [lo, hi] = std::minmax({operation(a.lo, b.lo), operation(a.lo, b.hi),
                               operation(a.hi, b.lo), operation(a.hi, b.hi)});
  return {lo, hi};
}

static Int128 floorModulo(Int128 a, Int128 b) {
  return a - b * floorDivide(a, b);
}

static Interval modulo(Interval a, Interval b) {
  const bool isConstant = b.lo == b.hi;
  if (isConstant && floorDivide(a.lo, b.lo) == floorDivide(a.hi, b.lo)) {
    return corners(a, b, floorModulo);
  }
  if (b.lo > 0) {
    return {0, a.lo >= 0 ? std::min(a.hi, b.hi - 1) : b.hi - 1};
  }
  return {a.hi <= 0 ? std::max(a.lo, b.lo + 1) : b.lo + 1, 0};
}

static Int128 bitwise(BinaryOp op, Int128 x, Int128 y) {
  return op == BinaryOp::BitAnd ? x & y : op == BinaryOp::BitOr ? x | y : x ^ y;
}

/// Of two's complement numbers: a bound of the magnitude, and for & and | that
/// they clear and set bits.
static Interval bitwise(BinaryOp op, Interval a, Interval b) {
  if (a.lo == a.hi && b.lo == b.hi) {
    const Int128 value = bitwise(op, a.lo, b.lo);
    return {value, value};
  }
  Int128 ones = 0; // as many as the widest bound has
  for (Int128 bound : {a.lo, a.hi, b.lo, b.hi}) {
    while (ones < (bound < 0 ? ~bound : bound)) {
      ones = 2 * ones + 1;
    }
  }
  const bool areNonNegative = a.lo >= 0 && b.lo >= 0;
  switch (op) {
  case BinaryOp::BitAnd:
    return {a.lo >= 0 || b.lo >= 0 ? 0 : ~ones,
            areNonNegative ? std::min(a.hi, b.hi)
            : a.lo >= 0    ? a.hi
            : b.lo >= 0    ? b.hi
                           : std::max(a.hi, b.hi)};
  case BinaryOp::BitOr:
    return {areNonNegative ? std::max(a.lo, b.lo) : std::min(a.lo, b.lo),
            a.hi < 0 || b.hi < 0 ? -1 : ones};
  default:
    return {areNonNegative ? 0 : ~ones, ones};
  }
}

Interval lpgen::apply(BinaryOp op, Interval a, Interval b) {
  switch (op) {
  case BinaryOp::Add:
    return {a.lo + b.lo, a.hi + b.hi};
  case BinaryOp::Sub:
    return {a.lo - b.hi, a.hi - b.lo};
  case BinaryOp::Mul:
    return corners(a, b, [](Int128 x, Int128 y) { return x * y; });
  case BinaryOp::FloorDiv:
    return corners(a, b, floorDivide);
  case BinaryOp::RoundDiv:
    return corners(a, b, roundDivide);
  case BinaryOp::Mod:
    return modulo(a, b);
  case BinaryOp::ShiftLeft:
    return corners(a, b, [](Int128 x, Int128 y) {
      return x * (Int128{1} << static_cast<int>(y));
    });
  case BinaryOp::BitAnd:
  case BinaryOp::BitOr:
  case BinaryOp::BitXor:
    return bitwise(op, a, b);
  case BinaryOp::ShiftRight:
    return corners(a, b, [](Int128 x, Int128 y) {
      return floorDivide(x, Int128{1} << static_cast<int>(y));
    });
  case BinaryOp::Min:
    return {std::min(a.lo, b.lo), std::min(a.hi, b.hi)};
  case BinaryOp::Max:
    return {std::max(a.lo, b.lo), std::max(a.hi, b.hi)};
  case BinaryOp::Lt:
  case BinaryOp::Le:
  case BinaryOp::Gt:
  case BinaryOp::Ge:
  case BinaryOp::Eq:
  case BinaryOp::Ne:
    return {0, 1};
  case BinaryOp::Div:
    break;
  }
  llvm_unreachable("integers have no plain division");
}

Interval lpgen::sumOf(Interval term, Int128 fewest, Int128 most) {
  return {term.lo * (term.lo < 0 ? most : fewest),
          term.hi * (term.hi > 0 ? most : fewest)};
}

Interval lpgen::productOf(Interval term, Int128 fewest, Int128 most) {
  const Interval none(1, 1);
  Interval power = term;
  Interval result = fewest == 0 ? join(none, term) : term;
  if (term.within(-1, 1)) {
    const Interval square = apply(ast::BinaryOp::Mul, term, term);
    return most == 1 ? result : join(result, square);
  }
  // The magnitude doubles at least, so that this ends soon.
  for (Int128 count = 2; count <= most && result.fitsInt64(); ++count) {
    power = apply(ast::BinaryOp::Mul, power, term);
    result = count <= fewest ? power : join(result, power);
  }
  return result;
}
