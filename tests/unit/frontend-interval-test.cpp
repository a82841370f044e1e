// Interval arithmetic against brute force: the computed interval is exactly the
// hull of all results.
#include "operators/frontend/Interval.h"
#include <functional>
#include <gtest/gtest.h>

using namespace lpgen;
using ast::BinaryOp;

namespace {

struct Case {
  BinaryOp op;
  std::function<Int128(Int128, Int128)> compute;
  std::function<bool(Interval)> isLegalRight;
};

Int128 floorReference(Int128 a, Int128 b) {
  // The largest q with q * b <= a for positive b, and the mirror image.
  Int128 q = -1000;
  while (b > 0 ? (q + 1) * b <= a : (q + 1) * b >= a) {
    ++q;
  }
  return q;
}

Int128 roundReference(Int128 a, Int128 b) {
  Int128 best = 0;
  auto distance = [&](Int128 q) {
    Int128 d = 2 * (q * b - a);
    return d < 0 ? -d : d;
  };
  for (Int128 q = -40; q <= 40; ++q) {
    bool isFarther = (q < 0 ? -q : q) > (best < 0 ? -best : best);
    if (distance(q) < distance(best) ||
        (distance(q) == distance(best) && isFarther)) {
      best = q;
    }
  }
  return best;
}

std::vector<Case> cases() {
  auto any = [](Interval) { return true; };
  auto nonZero = [](Interval b) { return !b.contains(0); };
  auto shift = [](Interval b) { return b.within(0, 63); };
  return {
      {BinaryOp::Add, [](Int128 a, Int128 b) { return a + b; }, any},
      {BinaryOp::Sub, [](Int128 a, Int128 b) { return a - b; }, any},
      {BinaryOp::Mul, [](Int128 a, Int128 b) { return a * b; }, any},
      {BinaryOp::Min, [](Int128 a, Int128 b) { return std::min(a, b); }, any},
      {BinaryOp::Max, [](Int128 a, Int128 b) { return std::max(a, b); }, any},
      {BinaryOp::FloorDiv, floorReference, nonZero},
      {BinaryOp::RoundDiv, roundReference, nonZero},
      {BinaryOp::ShiftRight,
       [](Int128 a, Int128 b) {
         return floorReference(a, Int128{1} << static_cast<int>(b));
       },
       shift},
  };
}

/// Operations whose interval contains all results but is not always their hull.
std::vector<Case> looseCases() {
  auto any = [](Interval) { return true; };
  return {
      {BinaryOp::Mod,
       [](Int128 a, Int128 b) { return a - b * floorReference(a, b); },
       [](Interval b) { return !b.contains(0); }},
      {BinaryOp::ShiftLeft,
       [](Int128 a, Int128 b) { return a * (1 << static_cast<int>(b)); },
       [](Interval b) { return b.within(0, 63); }},
      {BinaryOp::BitAnd, [](Int128 a, Int128 b) { return a & b; }, any},
      {BinaryOp::BitOr, [](Int128 a, Int128 b) { return a | b; }, any},
      {BinaryOp::BitXor, [](Int128 a, Int128 b) { return a ^ b; }, any},
  };
}

void expectHull(const Case &c, Interval a, Interval b) {
  Interval hull(c.compute(a.lo, b.lo), c.compute(a.lo, b.lo));
  for (Int128 x = a.lo; x <= a.hi; ++x) {
    for (Int128 y = b.lo; y <= b.hi; ++y) {
      Int128 value = c.compute(x, y);
      hull = join(hull, {value, value});
    }
  }
  EXPECT_EQ(apply(c.op, a, b).str(), hull.str())
      << static_cast<int>(c.op) << " of " << a.str() << " and " << b.str();
}

/// Exact where both operands are constants.
void expectInside(const Case &c, Interval a, Interval b) {
  const Interval found = apply(c.op, a, b);
  for (Int128 x = a.lo; x <= a.hi; ++x) {
    for (Int128 y = b.lo; y <= b.hi; ++y) {
      ASSERT_TRUE(found.contains(c.compute(x, y)))
          << static_cast<int>(c.op) << " of " << a.str() << " and " << b.str();
    }
  }
  if (a.lo == a.hi && b.lo == b.hi) {
    ASSERT_EQ(found.lo, found.hi);
  }
}

} // namespace

TEST(FrontendInterval, BinaryOperationsGiveTheHull) {
  for (const Case &c : cases()) {
    for (int64_t al = -6; al <= 6; ++al) {
      for (int64_t ah = al; ah <= 6; ++ah) {
        for (int64_t bl = -4; bl <= 4; ++bl) {
          for (int64_t bh = bl; bh <= 4; ++bh) {
            if (c.isLegalRight({bl, bh})) {
              expectHull(c, {al, ah}, {bl, bh});
            }
          }
        }
      }
    }
  }
}

TEST(FrontendInterval, OtherOperationsContainTheHull) {
  for (const Case &c : looseCases()) {
    for (int64_t al = -9; al <= 9; ++al) {
      for (int64_t ah = al; ah <= 9; ++ah) {
        for (int64_t bl = -5; bl <= 5; ++bl) {
          for (int64_t bh = bl; bh <= 5; ++bh) {
            if (c.isLegalRight({bl, bh})) {
              expectInside(c, {al, ah}, {bl, bh});
            }
          }
        }
      }
    }
  }
  // What subscripts need.
  EXPECT_EQ(apply(BinaryOp::Mod, {0, 99}, {4, 4}), Interval(0, 3));
  EXPECT_EQ(apply(BinaryOp::Mod, {4, 6}, {4, 4}), Interval(0, 2));
  EXPECT_EQ(apply(BinaryOp::Mod, {-1, 6}, {4, 9}), Interval(0, 8));
  EXPECT_EQ(apply(BinaryOp::BitAnd, {-8, 7}, {0, 3}), Interval(0, 3));
}

TEST(FrontendInterval, UnaryOperations) {
  EXPECT_EQ(negate({-3, 5}), Interval(-5, 3));
  EXPECT_EQ(absolute({-3, 5}), Interval(0, 5));
  EXPECT_EQ(absolute({-7, 5}), Interval(0, 7));
  EXPECT_EQ(absolute({-7, -2}), Interval(2, 7));
  EXPECT_EQ(absolute({2, 7}), Interval(2, 7));
}

TEST(FrontendInterval, SumCountsTerms) {
  EXPECT_EQ(sumOf({-3, 5}, 4, 4), Interval(-12, 20));
  // A run-time number of terms: the extreme may be at either end.
  EXPECT_EQ(sumOf({-3, 5}, 1, 10), Interval(-30, 50));
  EXPECT_EQ(sumOf({2, 5}, 1, 10), Interval(2, 50));
  EXPECT_EQ(sumOf({-5, -2}, 1, 10), Interval(-50, -2));
}

TEST(FrontendInterval, ProductCountsFactors) {
  EXPECT_EQ(productOf({-3, 5}, 1, 1), Interval(-3, 5));
  EXPECT_EQ(productOf({-3, 5}, 3, 3), Interval(-75, 125));
  EXPECT_EQ(productOf({2, 5}, 3, 3), Interval(8, 125));
  EXPECT_EQ(productOf({-5, -2}, 2, 3), Interval(-125, 25));
  EXPECT_EQ(productOf({2, 5}, 0, 3), Interval(1, 125));
  const Int128 many = Int128{1} << 40;
  EXPECT_EQ(productOf({0, 1}, many, many), Interval(0, 1));
  EXPECT_EQ(productOf({-1, -1}, 0, many), Interval(-1, 1));
  EXPECT_EQ(productOf({0, 0}, 0, many), Interval(0, 1));
  EXPECT_FALSE(productOf({-2, 0}, many, many).fitsInt64());
  EXPECT_FALSE(productOf({2, 2}, 0, many).fitsInt64());
  Interval all(INT64_MIN, INT64_MAX);
  EXPECT_FALSE(productOf(all, many, many).fitsInt64());
}

TEST(FrontendInterval, ExtremesOf64Bits) {
  Interval all(INT64_MIN, INT64_MAX);
  EXPECT_FALSE(apply(BinaryOp::Add, all, all).fitsInt64());
  EXPECT_EQ(apply(BinaryOp::Mul, all, all).str(),
            "[-85070591730234615856620279821087277056, "
            "85070591730234615865843651857942052864]");
  EXPECT_EQ(apply(BinaryOp::FloorDiv, all, {-1, -1}).str(),
            "[-9223372036854775807, 9223372036854775808]");
  EXPECT_EQ(apply(BinaryOp::ShiftRight, all, {63, 63}), Interval(-1, 0));
  EXPECT_EQ(negate(all).str(), "[-9223372036854775807, 9223372036854775808]");
}
