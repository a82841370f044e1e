// Sums of pairs of constants, beside what their definition says, and slices
// that are not all zero.
#include "compiler/emit/LiveSlices.h"
#include "compiler/emit/PairSums.h"
#include "gmock/gmock.h"
#include <gtest/gtest.h>
#include <random>

namespace lpgen {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

ElementType signedBytes() { return *ElementType::parse("s8"); }

/// The definition: all rows as fours, one after the other.
llvm::SmallVector<int64_t> sumsByDefinition(const HostTensor &values) {
  const int64_t length = values.shape().back();
  std::vector<int64_t> flat;
  for (int64_t row = 0; row < values.numElements(); row += length) {
    for (int64_t i = 0; i < (length + 3) / 4 * 4; ++i) {
      flat.push_back(i < length ? values.getInt(row + i) : 0);
    }
  }
  llvm::SmallVector<int64_t> result;
  const auto fours = int64_t(flat.size()) / 4;
  for (const int64_t run : {1, 2, 4, 8}) {
    int64_t least = 0;
    int64_t greatest = 0;
    for (int64_t begin = 0; begin < fours; ++begin) {
      for (const int64_t half : {0, 2}) {
        int64_t negative = 0;
        int64_t positive = 0;
        for (int64_t i = begin; i < std::min(begin + run, fours); ++i) {
          for (const int64_t at : {4 * i + half, 4 * i + half + 1}) {
            negative += std::min<int64_t>(flat[size_t(at)], 0);
            positive += std::max<int64_t>(flat[size_t(at)], 0);
          }
        }
        least = std::min(least, negative);
        greatest = std::max(greatest, positive);
      }
    }
    result.append({least, greatest});
  }
  return result;
}

TEST(PairSums, AreThoseOfNeighbours) {
  HostTensor values(signedBytes(), {1, 8});
  for (const auto &[at, value] :
       {std::pair(0, 3), std::pair(1, 4), std::pair(2, -5), std::pair(4, 6),
        std::pair(5, -7), std::pair(6, -1)}) {
    values.setInt(at, value);
  }
  EXPECT_THAT(pairSumsOf(values, {}),
              ElementsAre(-7, 7, -7, 13, -7, 13, -7, 13));
}

TEST(PairSums, AreThoseOfTheDefinition) {
  uint32_t seed = 0;
  for (const std::vector<int64_t> &shape :
       {std::vector<int64_t>{5, 3, 3, 20}, {7, 13}, {40}, {3, 1}, {2, 6, 2}}) {
    std::mt19937 random(++seed);
    HostTensor values(signedBytes(), shape);
    for (int64_t i = 0; i < values.numElements(); ++i) {
      values.setInt(i, int64_t(random() % 256) - 128);
    }
    EXPECT_EQ(pairSumsOf(values, {}), sumsByDefinition(values));
  }
}

TEST(PairSums, AreOfSignedBytes) {
  EXPECT_THAT(pairSumsOf(HostTensor(*ElementType::parse("u8"), {4, 4}), {}),
              IsEmpty());
  EXPECT_THAT(pairSumsOf(HostTensor(*ElementType::parse("f32"), {4}), {}),
              IsEmpty());
  EXPECT_THAT(pairSumsOf(HostTensor(signedBytes(), {}), {}), IsEmpty());
}

/// `values` in the middle of every second column and the first row of zeros.
HostTensor spreadOut(const HostTensor &values) {
  HostTensor result(values.type(),
                    {values.shape()[0] + 1, 2 * values.shape()[1] + 1, 3});
  for (int64_t i = 0; i < values.numElements(); ++i) {
    const int64_t row = i / values.shape()[1];
    const int64_t column = 2 * (i % values.shape()[1]) + 1;
    result.setInt((row * result.shape()[1] + column) * 3 + 1, values.getInt(i));
  }
  return result;
}

TEST(LiveSlices, AreThoseWithValues) {
  HostTensor values(signedBytes(), {3, 4});
  for (int64_t i = 0; i < values.numElements(); ++i) {
    values.setInt(i, 5 - i);
  }
  EXPECT_THAT(liveSlicesOf(values), IsEmpty());
  EXPECT_THAT(liveSlicesOf(spreadOut(values)),
              ElementsAre(0, 1, 3, /**/ 1, 2, 4, /**/ 1, 1, 1));
  EXPECT_THAT(liveSlicesOf(HostTensor(signedBytes(), {2, 3})),
              ElementsAre(0, 1, 1, 0, 1, 1));
  EXPECT_THAT(liveSlicesOf(HostTensor(*ElementType::parse("f32"), {4})),
              IsEmpty());
}

/// Rows between the live ones, all zero, part neighbours that are left.
TEST(LiveSlices, MakeNeighboursOfRows) {
  HostTensor values(signedBytes(), {1, 4});
  for (int64_t i = 0; i < 4; ++i) {
    values.setInt(i, 100);
  }
  const HostTensor apart = spreadOut(values);
  EXPECT_THAT(pairSumsOf(apart, {}),
              ElementsAre(0, 100, 0, 100, 0, 200, 0, 400));
  EXPECT_THAT(pairSumsOf(apart, liveSlicesOf(apart)),
              ElementsAre(0, 100, 0, 200, 0, 400, 0, 400));
}

} // namespace
} // namespace lpgen
