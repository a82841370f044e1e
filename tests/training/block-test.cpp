// Widths of blocks: the choice under a budget, and the products of blocks
// against those of the values that the blocks stand for.
#include "runtime/nn/FloatProducts.h"
#include "runtime/quant/BlockProducts.h"
#include "tests/training/TrainingTesting.h"
#include <algorithm>
#include <gmock/gmock.h>

namespace lpgen::quant {
namespace {

using nn::FloatTensor;
using nn::Product;
using ::testing::HasSubstr;

double harmOf(const std::vector<WidthBlock> &blocks,
              const std::vector<int> &bits) {
  double harm = 0;
  for (size_t i = 0; i < blocks.size(); ++i) {
    harm += blocks[i].harm[widthIndex(bits[i])];
  }
  return harm;
}

/// The harm of rounding in steps of 1 / (2^(bits-1) - 1).
void setNoise(WidthBlock &block, double noise) {
  for (const int bits : blockWidths) {
    block.harm[widthIndex(bits)] = noise / std::pow(symmetricMax(bits), 2);
  }
}

double costOf(const std::vector<BlockProduct> &products,
              const std::vector<int> &bits) {
  double cost = 0;
  for (const BlockProduct &p : products) {
    cost += p.macs * bits[size_t(p.a)] * bits[size_t(p.b)];
  }
  return cost;
}

TEST(BitWidthMap, StaysWithinTheBudgetAndNearTheBestChoice) {
  // All choices of 5 blocks are tried.
  const auto numChoices = int(std::pow(blockWidths.size(), 5));
  const std::vector<BlockProduct> products = {
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
        best = std::min(best, harmOf(blocks, bits));
      }
    }
    EXPECT_LE(harmOf(blocks, chosen), 4 * best) << trial;
  }
}

TEST(BitWidthMap, TheSensitiveBlockGetsTheBits) {
  std::vector<WidthBlock> blocks(4);
  for (WidthBlock &block : blocks) {
    setNoise(block, 1);
  }
  setNoise(blocks[1], 1000);
  const std::vector<BlockProduct> products = {{0, 2, 1}, {1, 3, 1}};
  const std::vector<int> bits = chooseWidths(blocks, products, 40);
  EXPECT_GT(bits[1], bits[0]);
  EXPECT_LE(costOf(products, bits), 40);
}

TEST(BitWidthMap, WidthsAreKeptWhileTheyDoLittleMoreHarm) {
  std::vector<WidthBlock> blocks(2);
  const auto setNoises = [&](double first, double second) {
    setNoise(blocks[0], first);
    setNoise(blocks[1], second);
  };
  const std::vector<BlockProduct> products = {{0, 1, 1}};
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
  // Without harm there is nothing to gain.
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

/// x of blocks of `size` channels, each on the grid of its width: quantizing
/// it changes nothing.
FloatTensor blockedTensor(std::vector<int64_t> shape, int64_t size,
                          const std::vector<int> &bits, uint64_t seed) {
  FloatTensor tensor(std::move(shape));
  const int64_t channels = tensor.shape().back();
  for (int64_t i = 0; i < tensor.size(); ++i) {
    const auto block = size_t(i % channels / size);
    const int64_t max = symmetricMax(bits[block]);
    const auto code = i < channels ? max
                                   : int64_t(nn::RandomKey(seed).below(
                                         uint64_t(i), uint64_t(2 * max + 1))) -
                                         max;
    tensor[i] = float(code) * std::ldexp(1.0F, int(block));
  }
  return tensor;
}

KernelProvider &provider() {
  static KernelProvider kernels(testing::testCompiler());
  return kernels;
}

class BlockProductsTest : public ::testing::Test {
protected:
  BlockOptions options = {.blockSize = 8, .statisticsPeriod = 1};
  static nn::LayerSpec spec() {
    nn::LayerSpec layer;
    layer.name = "conv";
    layer.geometry.height = 5;
    layer.geometry.width = 4;
    layer.geometry.channels = 12; // Blocks of 8 and 4.
    layer.geometry.outputs = 11;  // Blocks of 8 and 3.
    layer.geometry.kernel = 3;
    layer.geometry.padding = 1;
    return layer;
  }
  /// 2 inputs, 4 weights, 2 gradients.
  static std::vector<WidthBlock> widths() {
    std::vector<WidthBlock> blocks(8);
    const std::array<int, 8> bits = {4, 3, 8, 3, 4, 6, 8, 4};
    for (size_t i = 0; i < bits.size(); ++i) {
      blocks[i].bits = bits[i];
    }
    return blocks;
  }
};

TEST_F(BlockProductsTest, EqualTheFloatProductsOfTheBlocksValues) {
  const nn::LayerSpec layer = spec();
  BlockProducts products(layer, options, provider());
  ASSERT_EQ(products.numBlocks(), 8);
  products.setWidths(widths());
  const FloatTensor x = blockedTensor({3, 5, 4, 12}, 8, {4, 2}, 1);
  const FloatTensor dy = blockedTensor({3, 5, 4, 11}, 8, {8, 4}, 2);
  // Weights of one output group and one input group each on their grid:
  // all blocks at the least of their widths.
  FloatTensor w = blockedTensor({11, 3, 3, 12}, 8, {2, 2}, 3);
  for (int64_t o : {0, 8}) { // Each block of weights reaches its maximum.
    for (int64_t c = 0; c < 12; ++c) {
      w[o * 9 * 12 + c] = c < 8 ? 1.0F : 2.0F;
    }
  }
  nn::FloatProducts floats(layer.geometry);
  FloatTensor y({3, 5, 4, 11});
  FloatTensor dw(w.shape());
  FloatTensor dx(x.shape());
  FloatTensor expected(y.shape());
  ASSERT_TRUE(products.forward(x, w, y, nn::Pass()).ok());
  ASSERT_TRUE(floats.forward(x, w, expected, nn::Pass()).ok());
  const auto expectClose = [](const FloatTensor &a, const FloatTensor &b) {
    for (int64_t i = 0; i < a.size(); ++i) {
      ASSERT_NEAR(a[i], b[i], 1e-4 + 1e-5 * std::fabs(b[i])) << i;
    }
  };
  expectClose(y, expected);
  ASSERT_TRUE(products.backward(x, w, dy, &dw, &dx, nn::Pass()).ok());
  FloatTensor expectedDw(w.shape());
  FloatTensor expectedDx(x.shape());
  ASSERT_TRUE(
      floats.backward(x, w, dy, &expectedDw, &expectedDx, nn::Pass()).ok());
  expectClose(dw, expectedDw);
  expectClose(dx, expectedDx);
}

TEST_F(BlockProductsTest, RunKernelsOfTheirWidthsAndCountThem) {
  const nn::LayerSpec layer = spec();
  BlockProducts products(layer, options, provider());
  products.setWidths(widths());
  const FloatTensor x = blockedTensor({2, 5, 4, 12}, 8, {4, 2}, 1);
  const FloatTensor w = blockedTensor({11, 3, 3, 12}, 8, {2, 2}, 3);
  FloatTensor y({2, 5, 4, 11});
  ASSERT_TRUE(products.forward(x, w, y, nn::Pass()).ok());
  const std::string kernels = products.implementation(Product::Forward);
  // 4-bit inputs with 8- and 3-bit weights, 3-bit ones with 4 and 6 bits.
  for (const char *kernel :
       {"lp_conv_x7_w127_n25_h5_v4_c8_o8", "lp_conv_x7_w3_n25_h5_v4_c8_o3",
        "lp_conv_x3_w7_n25_h5_v4_c36_o8", "lp_conv_x3_w31_n25_h5_v4_c36_o3"}) {
    EXPECT_THAT(kernels, HasSubstr(kernel));
  }
  const double pixels = 2 * 20 * 9;
  EXPECT_EQ(products.work().macs, pixels * 12 * 11);
  EXPECT_EQ(
      products.work().bitProducts,
      pixels * (8 * 8 * 4 * 8 + 8 * 3 * 4 * 3 + 4 * 8 * 3 * 4 + 4 * 3 * 3 * 6));
}

TEST_F(BlockProductsTest, SensitiveBlocksAreThoseWithLargeGradients) {
  const nn::LayerSpec layer = spec();
  BlockProducts products(layer, options, provider());
  EXPECT_FALSE(products.hasStatistics());
  FloatTensor x({2, 5, 4, 12});
  FloatTensor w(layer.geometry.weightShape());
  FloatTensor dy({2, 5, 4, 11});
  for (FloatTensor *tensor : {&x, &w, &dy}) {
    for (int64_t i = 0; i < tensor->size(); ++i) {
      (*tensor)[i] =
          nn::RandomKey(uint64_t(tensor->size())).normal(uint64_t(i));
    }
  }
  // The second input group has large weights, hence large gradients; the
  // second output group has large ones, so that its gradients matter.
  for (int64_t i = 0; i < w.size(); ++i) {
    w[i] *= (i % 12 >= 8 ? 10.0F : 1.0F) * (i / 108 >= 8 ? 10.0F : 1.0F);
  }
  FloatTensor y({2, 5, 4, 11});
  FloatTensor dw(w.shape());
  FloatTensor dx(x.shape());
  ASSERT_TRUE(products.forward(x, w, y, nn::Pass()).ok());
  ASSERT_TRUE(products.backward(x, w, dy, &dw, &dx, nn::Pass()).ok());
  ASSERT_TRUE(products.hasStatistics());
  const std::vector<WidthBlock> blocks = products.describeBlocks();
  // Noise of a block is that of all its elements: 8 and 4 channels.
  EXPECT_GT(blocks[1].harm[0], 20 * blocks[0].harm[0]);
  EXPECT_GT(blocks[7].harm[0], 20 * blocks[6].harm[0]);
}

TEST_F(BlockProductsTest, HarmDoesNotShrinkWithTheGradients) {
  const nn::LayerSpec layer = spec();
  BlockProducts products(layer, options, provider());
  const FloatTensor x = blockedTensor({2, 5, 4, 12}, 8, {8, 8}, 1);
  const FloatTensor w = blockedTensor({11, 3, 3, 12}, 8, {8, 8}, 3);
  FloatTensor dy = blockedTensor({2, 5, 4, 11}, 8, {8, 8}, 2);
  FloatTensor y(dy.shape());
  FloatTensor dw(w.shape());
  FloatTensor dx(x.shape());
  const auto harms = [&] {
    EXPECT_TRUE(products.forward(x, w, y, nn::Pass()).ok());
    EXPECT_TRUE(products.backward(x, w, dy, &dw, &dx, nn::Pass()).ok());
    std::vector<double> harms;
    for (const WidthBlock &block : products.describeBlocks()) {
      harms.push_back(block.harm[0]);
    }
    return harms;
  };
  const std::vector<double> before = harms();
  for (int64_t i = 0; i < dy.size(); ++i) {
    dy[i] /= 1024;
  }
  const std::vector<double> after = harms();
  for (size_t i = 0; i < before.size(); ++i) {
    EXPECT_GT(before[i], 0) << i;
    EXPECT_NEAR(after[i], before[i], 1e-3 * before[i]) << i;
  }
}

/// Sum of the squares of what rounding changes.
double noiseOf(std::span<const float> x, float limit, int32_t highest,
               Rounding rounding) {
  IntTensor q;
  quantize(x, {-highest, highest}, limit / float(highest), rounding,
           nn::RandomKey(5), nn::Pass(), q);
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
  const float max = measureMagnitudes(x, nn::Pass()).max;
  const MagnitudeHistogram histogram(x, max, nn::Pass());
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
  const float max = measureMagnitudes(x, nn::Pass()).max;
  const MagnitudeHistogram histogram(x, max, nn::Pass());
  const auto harmOf = [&](float limit, int32_t highest) {
    double clipped = 0;
    for (const float v : x) {
      clipped += std::pow(std::max(std::fabs(v) - limit, 0.0F), 2);
    }
    return noiseOf(x, limit, highest, Rounding::Stochastic) + 15 * clipped;
  };
  for (const int32_t highest : {1, 7, 31}) {
    const auto [limit, noise] =
        histogram.leastNoise(highest, Rounding::Stochastic);
    const double found = harmOf(limit, highest);
    EXPECT_NEAR(noise, found, 0.1 * found) << highest;
    for (int part = 1; part <= 64; ++part) {
      EXPECT_LE(found, 1.1 * harmOf(max * float(part) / 64, highest))
          << highest << ", " << part;
    }
    EXPECT_GT(limit, histogram.leastNoise(highest, Rounding::Nearest).limit);
  }
}

TEST(ClippedRange, ZerosHaveNoNoise) {
  const std::vector<float> zeros(100, 0.0F);
  const MagnitudeHistogram histogram(zeros, 0, nn::Pass());
  EXPECT_EQ(histogram.leastNoise(7, Rounding::Nearest).noise, 0);
  EXPECT_EQ(histogram.leastNoise(7, Rounding::Nearest).limit, 0);
}

} // namespace
} // namespace lpgen::quant
