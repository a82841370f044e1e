// The choice of widths under a budget, and where to clip for few bits.
#include "training/core/Random.h"
#include "training/quantizers/BitWidthMap.h"
#include "training/quantizers/ClippedRange.h"
#include "training/quantizers/RangeQuantizer.h"
#include <algorithm>
#include <cmath>
#include <gmock/gmock.h>

namespace lpgen::quant {
namespace {

double sensitivityOf(const std::vector<WidthBlock> &blocks,
                     const std::vector<int> &bits) {
  double sensitivity = 0;
  for (size_t i = 0; i < blocks.size(); ++i) {
    sensitivity += blocks[i].sensitivity[widthIndex(bits[i])];
  }
  return sensitivity;
}

/// The sensitivity to rounding in steps of 1 / (2^(bits-1) - 1).
void setNoise(WidthBlock &block, double noise) {
  for (const int bits : blockWidths) {
    block.sensitivity[widthIndex(bits)] =
        noise / std::pow(symmetricMax(bits), 2);
  }
}

double costOf(const std::vector<BlockPair> &products,
              const std::vector<int> &bits) {
  double cost = 0;
  for (const BlockPair &p : products) {
    cost += p.macs * bits[size_t(p.a)] * bits[size_t(p.b)];
  }
  return cost;
}

TEST(BitWidthMap, StaysWithinTheBudgetAndNearTheBestChoice) {
  // All choices of 5 blocks are tried.
  const auto numChoices = int(std::pow(blockWidths.size(), 5));
  const std::vector<BlockPair> products = {
      {0, 2, 1}, {0, 3, 2}, {1, 3, 3}, {1, 4, 1}, {2, 4, 2}};
  const nn::RandomKey key(11);
  for (uint64_t trial = 0; trial < 20; ++trial) {
    std::vector<WidthBlock> blocks(5);
    for (size_t i = 0; i < blocks.size(); ++i) {
      setNoise(blocks[i], std::exp(3.0 * double(key.of(trial).normal(i))));
    }
    const double budget = 9 * (9 + double(key.of(trial).below(99, 50)));
    const std::vector<int> chosen = chooseWidths(blocks, products, budget);
    EXPECT_LE(costOf(products, chosen), budget);
    double best = 1e300;
    std::vector<int> bits(5);
    for (int choice = 0; choice < numChoices; ++choice) {
      auto rest = size_t(choice);
      for (int &width : bits) {
        width = blockWidths[rest % blockWidths.size()];
        rest /= blockWidths.size();
      }
      if (costOf(products, bits) <= budget) {
        best = std::min(best, sensitivityOf(blocks, bits));
      }
    }
    EXPECT_LE(sensitivityOf(blocks, chosen), 4 * best) << trial;
  }
}

TEST(BitWidthMap, TheSensitiveBlockGetsTheBits) {
  std::vector<WidthBlock> blocks(4);
  for (WidthBlock &block : blocks) {
    setNoise(block, 1);
  }
  setNoise(blocks[1], 1000);
  const std::vector<BlockPair> products = {{0, 2, 1}, {1, 3, 1}};
  const std::vector<int> bits = chooseWidths(blocks, products, 40);
  EXPECT_GT(bits[1], bits[0]);
  EXPECT_LE(costOf(products, bits), 40);
}

TEST(BitWidthMap, WidthsAreKeptWhileTheyAreLittleWorse) {
  std::vector<WidthBlock> blocks(2);
  const auto setNoises = [&](double first, double second) {
    setNoise(blocks[0], first);
    setNoise(blocks[1], second);
  };
  const std::vector<BlockPair> products = {{0, 1, 1}};
  const auto bits = [&] {
    return std::vector<int>{blocks[0].bits, blocks[1].bits};
  };
  setNoises(1, 1);
  blocks[0].bits = blocks[1].bits = 4;
  updateWidths(blocks, products, 16);
  EXPECT_EQ(bits(), (std::vector<int>{4, 4}));
  // The budget leaves room for a gain.
  setNoises(1, 100);
  updateWidths(blocks, products, 32);
  EXPECT_EQ(bits(), (std::vector<int>{4, 8}));
  // Without sensitivity there is nothing to gain.
  setNoises(0, 0);
  updateWidths(blocks, products, 32);
  EXPECT_EQ(bits(), (std::vector<int>{4, 8}));
  setNoises(1, 1);
  updateWidths(blocks, products, 64);
  EXPECT_EQ(bits(), (std::vector<int>{8, 8}));
  // More than the budget is not kept.
  updateWidths(blocks, products, 16);
  EXPECT_EQ(bits(), (std::vector<int>{4, 4}));
  // Of {3, 4} and {4, 3} the one that is hardly better is not taken.
  setNoises(1.001, 1);
  blocks[0].bits = 3;
  updateWidths(blocks, products, 12);
  EXPECT_EQ(bits(), (std::vector<int>{3, 4}));
  setNoises(2, 1);
  updateWidths(blocks, products, 12);
  EXPECT_EQ(bits(), (std::vector<int>{4, 3}));
}

TEST(BitWidthMap, WhereTheLeastWidthsExceedTheBudgetTheyAreTheChoice) {
  std::vector<WidthBlock> blocks(2);
  setNoise(blocks[0], 1);
  setNoise(blocks[1], 1);
  EXPECT_EQ(chooseWidths(blocks, {{0, 1, 1}}, 4), (std::vector<int>{3, 3}));
}

/// Sum of the squares of what rounding changes.
double noiseOf(std::span<const float> x, float limit, int32_t highest,
               Rounding rounding) {
  IntTensor q;
  quantize(x, {-highest, highest}, limit / float(highest), rounding,
           nn::RandomKey(5), nn::StepContext(), q);
  double noise = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    noise += std::pow(double(x[i]) - double(q.scale()) * q.at(int64_t(i)), 2);
  }
  return noise;
}

std::vector<float> longTails() {
  std::vector<float> x(20000);
  for (size_t i = 0; i < x.size(); ++i) {
    x[i] = float(std::pow(nn::RandomKey(1).normal(i), 3));
  }
  return x;
}

TEST(ClippedRange, NoiseIsThatOfRoundingAndNoLimitHasLess) {
  const std::vector<float> x = longTails();
  const float max = measureMagnitudes(x, nn::StepContext()).max;
  const MagnitudeHistogram histogram(x, max, nn::StepContext());
  for (const int32_t highest : {1, 3, 7, 15, 31}) {
    const auto [limit, noise] =
        histogram.leastNoise(highest, Rounding::Nearest);
    const double found = noiseOf(x, limit, highest, Rounding::Nearest);
    EXPECT_NEAR(noise, found, 0.02 * found) << highest;
    for (int part = 1; part <= 64; ++part) {
      EXPECT_LE(found, 1.05 * noiseOf(x, max * float(part) / 64, highest,
                                      Rounding::Nearest))
          << highest << ", " << part;
    }
  }
  EXPECT_LT(histogram.leastNoise(7, Rounding::Nearest).limit, max / 2);
}

TEST(ClippedRange, WhatIsClippedCountsBesideStochasticRounding) {
  const std::vector<float> x = longTails();
  const float max = measureMagnitudes(x, nn::StepContext()).max;
  const MagnitudeHistogram histogram(x, max, nn::StepContext());
  const auto sensitivityOf = [&](float limit, int32_t highest) {
    double clipped = 0;
    for (const float v : x) {
      clipped += std::pow(std::max(std::fabs(v) - limit, 0.0F), 2);
    }
    return noiseOf(x, limit, highest, Rounding::Stochastic) + 15 * clipped;
  };
  for (const int32_t highest : {1, 7, 31}) {
    const auto [limit, noise] =
        histogram.leastNoise(highest, Rounding::Stochastic);
    const double found = sensitivityOf(limit, highest);
    EXPECT_NEAR(noise, found, 0.1 * found) << highest;
    for (int part = 1; part <= 64; ++part) {
      EXPECT_LE(found, 1.1 * sensitivityOf(max * float(part) / 64, highest))
          << highest << ", " << part;
    }
    EXPECT_GT(limit, histogram.leastNoise(highest, Rounding::Nearest).limit);
  }
}

TEST(ClippedRange, ZerosHaveNoNoise) {
  const std::vector<float> zeros(100, 0.0F);
  const MagnitudeHistogram histogram(zeros, 0, nn::StepContext());
  EXPECT_EQ(histogram.leastNoise(7, Rounding::Nearest).noise, 0);
  EXPECT_EQ(histogram.leastNoise(7, Rounding::Nearest).limit, 0);
}

/// A range that is too small to be divided by ends as one of zeros does.
TEST(ClippedRange, TinyRangesAreZeros) {
  for (const float max : {1e-45F, 1e-40F, 1.2e-38F, 2.9e-36F}) {
    const std::vector<float> x = {max, -max / 2, 0.0F};
    const MagnitudeHistogram histogram(x, max, nn::StepContext());
    EXPECT_EQ(histogram.leastNoise(7, Rounding::Nearest).limit, 0) << max;
  }
  const std::vector<float> x = {3.1e-36F, -1e-36F};
  const MagnitudeHistogram histogram(x, x[0], nn::StepContext());
  EXPECT_GT(histogram.leastNoise(7, Rounding::Nearest).limit, 0);
}

TEST(RangeQuantizer, TinyRangesBecomeZero) {
  for (const int bits : {2, 4, 8}) {
    for (const float max : {0.0F, 1e-45F, 1e-40F, 1.2e-38F}) {
      RangeQuantizer quantizer("t", bits, Rounding::Stochastic);
      nn::FloatTensor x({64});
      std::ranges::fill(x.values(), max);
      IntTensor q;
      ASSERT_TRUE(quantizer.quantize(x, nn::StepContext(), q).ok());
      for (int64_t i = 0; i < q.size(); ++i) {
        ASSERT_EQ(q.at(i), 0) << bits << " " << max;
      }
      EXPECT_TRUE(std::isnormal(quantizer.quantParams()->scale))
          << bits << " " << max;
    }
  }
}

} // namespace
} // namespace lpgen::quant
