// A gain and an offset in place of a chain of operations: the same code for
// every sum, or none.
#include "networks/import/Chain.h"
#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <random>

using namespace lpgen::importer;

namespace {
using Op = ChainOperation;

/// What the chain gives, operation by operation.
double codeOf(const Chain &chain, const CodeRange &codes, int64_t sum,
              const Extents &at) {
  auto x = float(sum);
  for (const ChainStep &step : chain.steps) {
    const auto number = float(step.number.broadcastAt(at));
    x = step.operation == Op::Add            ? x + number
        : step.operation == Op::Subtract     ? x - number
        : step.operation == Op::SubtractFrom ? number - x
        : step.operation == Op::Multiply     ? x * number
                                             : x / number;
  }
  return std::clamp(std::nearbyint(double(x)) + codes.zero.broadcastAt(at),
                    double(codes.lowest), double(codes.highest));
}

double codeOf(const GainAndOffset &line, const CodeRange &codes, int64_t sum,
              const Extents &at) {
  const float product = float(sum) * float(line.gain.broadcastAt(at));
  const float total = product + float(line.offset.broadcastAt(at));
  return std::clamp(std::nearbyint(double(total)) + codes.zero.broadcastAt(at),
                    double(codes.lowest), double(codes.highest));
}

/// Sums that differ, of those where both must agree.
int64_t differences(const Chain &chain, const CodeRange &codes,
                    const GainAndOffset &line, int64_t channels) {
  int64_t count = 0;
  for (int64_t c = 0; c < channels; ++c) {
    const Extents at = {0, c};
    for (int64_t sum = chain.lowest; sum <= chain.highest; ++sum) {
      count += codeOf(chain, codes, sum, at) != codeOf(line, codes, sum, at);
    }
  }
  return count;
}

Constant ofChannels(std::vector<double> values) {
  Constant constant;
  constant.shape = {1, int64_t(values.size())};
  constant.values = std::move(values);
  return constant;
}

/// A scale, a normalization with falling and constant channels, a quantizer.
Chain normalization(unsigned seed, int64_t channels, double step) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> unit(0.1, 1);
  std::vector<double> scale;
  std::vector<double> mean;
  std::vector<double> deviation;
  std::vector<double> weight;
  std::vector<double> bias;
  for (int64_t c = 0; c < channels; ++c) {
    scale.push_back(float(unit(random) * 0.01));
    mean.push_back(float(unit(random) - 0.5));
    deviation.push_back(float(unit(random)));
    weight.push_back(c % 7 == 3   ? 0
                     : c % 3 == 1 ? -float(unit(random))
                                  : float(unit(random)));
    bias.push_back(float(unit(random)));
  }
  return {-3000,
          5000,
          {{Op::Multiply, ofChannels(scale)},
           {Op::Subtract, ofChannels(mean)},
           {Op::Divide, ofChannels(deviation)},
           {Op::Multiply, ofChannels(weight)},
           {Op::Add, ofChannels(bias)},
           {Op::Divide, Constant::scalar(float(step))}}};
}
} // namespace

TEST(Chain, LineHasTheCodesOfEverySum) {
  constexpr int64_t channels = 32;
  const CodeRange codes{Constant::scalar(0), 0, 15};
  for (const unsigned seed : {1U, 2U, 3U}) {
    const Chain chain = normalization(seed, channels, 1.7);
    const auto line = gainAndOffset(chain, codes, 2);
    ASSERT_TRUE(line) << "seed " << seed;
    EXPECT_EQ(line->gain.shape, (Extents{1, channels}));
    EXPECT_EQ(differences(chain, codes, *line, channels), 0) << "seed " << seed;
  }
}

TEST(Chain, ZeroIsAddedBehindTheRounding) {
  const Chain chain{-900,
                    900,
                    {{Op::SubtractFrom, Constant::scalar(0.25)},
                     {Op::Divide, Constant::scalar(12.3F)}}};
  const CodeRange codes{ofChannels({3, -4}), -8, 7};
  const auto line = gainAndOffset(chain, codes, 2);
  ASSERT_TRUE(line);
  EXPECT_LT(line->gain.values[0], 0);
  EXPECT_EQ(differences(chain, codes, *line, 2), 0);
}

/// Halves: 3 / 2 and 5 / 2 are 2, so the stair's steps are not one apart.
TEST(Chain, TiesAreThoseOfTheChain) {
  const Chain chain{-64,
                    64,
                    {{Op::Multiply, Constant::scalar(3)},
                     {Op::Divide, Constant::scalar(6)},
                     {Op::Add, Constant::scalar(1)}}};
  const CodeRange codes{Constant::scalar(0), -8, 7};
  const auto line = gainAndOffset(chain, codes, 1);
  ASSERT_TRUE(line);
  int64_t count = 0;
  for (int64_t sum = -64; sum <= 64; ++sum) {
    count += codeOf(chain, codes, sum, {0}) != codeOf(*line, codes, sum, {0});
  }
  EXPECT_EQ(count, 0);
}

TEST(Chain, ThereIsNoLineWhereSumsHaveNone) {
  const CodeRange codes{Constant::scalar(0), 0, 255};
  // Steps of 2^-24 of 1: the first addition cuts the sums to multiples of 8.
  const Chain cut{0,
                  4096,
                  {{Op::Multiply, Constant::scalar(0x1p-24)},
                   {Op::Add, Constant::scalar(4)},
                   {Op::Subtract, Constant::scalar(4)},
                   {Op::Divide, Constant::scalar(0x1p-22)}}};
  EXPECT_FALSE(gainAndOffset(cut, codes, 1));
  const Chain infinite{
      0,
      9,
      {{Op::Multiply, Constant::scalar(1)}, {Op::Divide, Constant::scalar(0)}}};
  EXPECT_FALSE(gainAndOffset(infinite, codes, 1));
  const Chain none{0,
                   9,
                   {{Op::Multiply, Constant::scalar(NAN)},
                    {Op::Divide, Constant::scalar(3)}}};
  EXPECT_FALSE(gainAndOffset(none, codes, 1));
  // Numbers along two dimensions.
  Constant rows = ofChannels({1, 2});
  rows.shape = {2, 1};
  const Chain both{
      0, 9, {{Op::Multiply, rows}, {Op::Divide, ofChannels({1, 2, 3})}}};
  EXPECT_FALSE(gainAndOffset(both, codes, 2));
  // As many sums as an importer allows: a count of them does not fit.
  Chain wide = normalization(1, 1, 0.1);
  wide.lowest = -(int64_t{1} << 62);
  wide.highest = int64_t{1} << 62;
  EXPECT_FALSE(gainAndOffset(wide, codes, 2));
  // No longer than a line.
  const Chain line{0,
                   9,
                   {{Op::Multiply, Constant::scalar(0.3F)},
                    {Op::Add, Constant::scalar(0.1F)}}};
  EXPECT_FALSE(gainAndOffset(line, codes, 1));
}
