// Products of blocks against those of the values that the blocks stand for, and
// what they say of the sensitivity to rounding.
#include "tests/training/TrainingTesting.h"
#include "training/contractions/BlockBackend.h"
#include "training/contractions/FloatBackend.h"
#include "training/contractions/IntegerBackend.h"
#include <algorithm>
#include <gmock/gmock.h>

namespace lpgen::quant {
namespace {

using nn::FloatTensor;
using nn::Product;
using ::testing::HasSubstr;
using testing::normalTensor;

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

class BlockBackendTest : public ::testing::Test {
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

TEST_F(BlockBackendTest, EqualTheFloatProductsOfTheBlocksValues) {
  const nn::LayerSpec layer = spec();
  BlockBackend backend(layer, options, provider());
  ASSERT_EQ(backend.numBlocks(), 8);
  backend.setWidths(widths());
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
  nn::FloatBackend floats(layer.geometry);
  FloatTensor y({3, 5, 4, 11});
  FloatTensor dw(w.shape());
  FloatTensor dx(x.shape());
  FloatTensor expected(y.shape());
  ASSERT_TRUE(backend.forward(x, w, y, nn::StepContext()).ok());
  ASSERT_TRUE(floats.forward(x, w, expected, nn::StepContext()).ok());
  const auto expectClose = [](const FloatTensor &a, const FloatTensor &b) {
    for (int64_t i = 0; i < a.size(); ++i) {
      ASSERT_NEAR(a[i], b[i], 1e-4 + 1e-5 * std::fabs(b[i])) << i;
    }
  };
  expectClose(y, expected);
  ASSERT_TRUE(backend.backward(x, w, dy, &dw, &dx, nn::StepContext()).ok());
  FloatTensor expectedDw(w.shape());
  FloatTensor expectedDx(x.shape());
  ASSERT_TRUE(
      floats.backward(x, w, dy, &expectedDw, &expectedDx, nn::StepContext())
          .ok());
  expectClose(dw, expectedDw);
  expectClose(dx, expectedDx);
}

TEST(BlockQuantizer, HasScaleOneWhereItsLastMeasurementFoundZeros) {
  BlockQuantizer quantizer("x", 4, Rounding::Nearest, 10);
  FloatTensor x({3});
  nn::StepContext context;
  IntTensor q;
  ASSERT_TRUE(quantizer.quantize(x, context, q).ok());
  EXPECT_TRUE(quantizer.hasStatistics());
  x[0] = 3;
  x[1] = -40;
  x[2] = 0.4F;
  context.step = 9;
  ASSERT_TRUE(quantizer.quantize(x, context, q).ok());
  EXPECT_EQ(q.scale(), 1.0F);
  EXPECT_EQ(q.codes(), (std::vector<int32_t>{3, -7, 0}));
  ASSERT_TRUE(quantizer.quantParams());
  EXPECT_EQ(quantizer.quantParams()->scale, 1.0F);
  EXPECT_FALSE(quantizer.quantParams()->followsBatch);
  context.step = 10;
  ASSERT_TRUE(quantizer.quantize(x, context, q).ok());
  EXPECT_FLOAT_EQ(q.scale(), 40.0F / 7);
}

TEST_F(BlockBackendTest, OneBlockIsALayerOfRangeQuantizers) {
  options = {.blockSize = 16, .statisticsPeriod = 16}; // Both measure at 0.
  const nn::LayerSpec layer = spec();
  BlockBackend backend(layer, options, provider());
  const std::array<int, 3> bits = {4, 3, 6}; // x, w, dy.
  std::vector<WidthBlock> widths(bits.size());
  for (size_t i = 0; i < bits.size(); ++i) {
    widths[i].bits = bits[i];
  }
  backend.setWidths(widths);
  // The same names, hence the same random numbers.
  const auto tensor = [&](const char *name, int bits, Rounding rounding) {
    return std::make_unique<RangeQuantizer>(layer.name + name, bits, rounding);
  };
  IntegerBackend whole(
      layer.geometry,
      LayerQuantizers{tensor(".input[0]", bits[0], Rounding::Nearest),
                      tensor(".weight[0,0]", bits[1], Rounding::Nearest),
                      tensor(".gradient[0]", bits[2], Rounding::Stochastic)},
      provider());
  nn::StepContext context;
  for (context.step = 0; context.step < 3; ++context.step) {
    FloatTensor x = normalTensor({2, 5, 4, 12}, 1 + context.step);
    for (float &v : x.values()) {
      v = std::max(v, 0.0F);
    }
    const FloatTensor w = normalTensor(layer.geometry.weightShape(), 2);
    const FloatTensor dy = normalTensor({2, 5, 4, 11}, 3 + context.step);
    FloatTensor y(dy.shape());
    FloatTensor dw(w.shape());
    FloatTensor dx(x.shape());
    FloatTensor expected(y.shape());
    FloatTensor expectedDw(w.shape());
    FloatTensor expectedDx(x.shape());
    ASSERT_TRUE(backend.forward(x, w, y, context).ok());
    ASSERT_TRUE(backend.backward(x, w, dy, &dw, &dx, context).ok());
    ASSERT_TRUE(whole.forward(x, w, expected, context).ok());
    ASSERT_TRUE(
        whole.backward(x, w, dy, &expectedDw, &expectedDx, context).ok());
    EXPECT_THAT(y.values(), ::testing::ElementsAreArray(expected.values()));
    EXPECT_THAT(dw.values(), ::testing::ElementsAreArray(expectedDw.values()));
    EXPECT_THAT(dx.values(), ::testing::ElementsAreArray(expectedDx.values()));
  }
}

TEST_F(BlockBackendTest, RunKernelsOfTheirWidthsAndCountThem) {
  const nn::LayerSpec layer = spec();
  BlockBackend backend(layer, options, provider());
  backend.setWidths(widths());
  const FloatTensor x = blockedTensor({2, 5, 4, 12}, 8, {4, 2}, 1);
  const FloatTensor w = blockedTensor({11, 3, 3, 12}, 8, {2, 2}, 3);
  FloatTensor y({2, 5, 4, 11});
  ASSERT_TRUE(backend.forward(x, w, y, nn::StepContext()).ok());
  const std::string kernels =
      backend.report().implementations[size_t(Product::Forward)];
  // 4-bit inputs with 8- and 3-bit weights, 3-bit ones with 4 and 6 bits.
  for (const char *kernel :
       {"lp_conv_x7_w127_n25_h5_v4_c8_o8", "lp_conv_x7_w3_n25_h5_v4_c8_o3",
        "lp_conv_x3_w7_n25_h5_v4_c36_o8", "lp_conv_x3_w31_n25_h5_v4_c36_o3"}) {
    EXPECT_THAT(kernels, HasSubstr(kernel));
  }
  const double pixels = 2 * 20 * 9;
  EXPECT_EQ(backend.report().work.macs, pixels * 12 * 11);
  EXPECT_EQ(
      backend.report().work.bops,
      pixels * (8 * 8 * 4 * 8 + 8 * 3 * 4 * 3 + 4 * 8 * 3 * 4 + 4 * 3 * 3 * 6));
}

TEST_F(BlockBackendTest, SensitiveBlocksAreThoseWithLargeGradients) {
  const nn::LayerSpec layer = spec();
  BlockBackend backend(layer, options, provider());
  EXPECT_FALSE(backend.hasStatistics());
  const FloatTensor x = normalTensor({2, 5, 4, 12}, 1);
  FloatTensor w = normalTensor(layer.geometry.weightShape(), 2);
  const FloatTensor dy = normalTensor({2, 5, 4, 11}, 3);
  // The second input group has large weights, hence large gradients; the
  // second output group has large ones, so that its gradients matter.
  for (int64_t i = 0; i < w.size(); ++i) {
    w[i] *= (i % 12 >= 8 ? 10.0F : 1.0F) * (i / 108 >= 8 ? 10.0F : 1.0F);
  }
  FloatTensor y({2, 5, 4, 11});
  FloatTensor dw(w.shape());
  FloatTensor dx(x.shape());
  ASSERT_TRUE(backend.forward(x, w, y, nn::StepContext()).ok());
  ASSERT_TRUE(backend.backward(x, w, dy, &dw, &dx, nn::StepContext()).ok());
  ASSERT_TRUE(backend.hasStatistics());
  const std::vector<WidthBlock> blocks = backend.describeBlocks();
  // Noise of a block is that of all its elements: 8 and 4 channels.
  EXPECT_GT(blocks[1].sensitivity[0], 20 * blocks[0].sensitivity[0]);
  EXPECT_GT(blocks[7].sensitivity[0], 20 * blocks[6].sensitivity[0]);
}

TEST_F(BlockBackendTest, SensitivityDoesNotShrinkWithTheGradients) {
  const nn::LayerSpec layer = spec();
  BlockBackend backend(layer, options, provider());
  const FloatTensor x = blockedTensor({2, 5, 4, 12}, 8, {8, 8}, 1);
  const FloatTensor w = blockedTensor({11, 3, 3, 12}, 8, {8, 8}, 3);
  FloatTensor dy = blockedTensor({2, 5, 4, 11}, 8, {8, 8}, 2);
  FloatTensor y(dy.shape());
  FloatTensor dw(w.shape());
  FloatTensor dx(x.shape());
  const auto sensitivities = [&] {
    EXPECT_TRUE(backend.forward(x, w, y, nn::StepContext()).ok());
    EXPECT_TRUE(backend.backward(x, w, dy, &dw, &dx, nn::StepContext()).ok());
    std::vector<double> sensitivities;
    for (const WidthBlock &block : backend.describeBlocks()) {
      sensitivities.push_back(block.sensitivity[0]);
    }
    return sensitivities;
  };
  const std::vector<double> before = sensitivities();
  for (int64_t i = 0; i < dy.size(); ++i) {
    dy[i] /= 1024;
  }
  const std::vector<double> after = sensitivities();
  for (size_t i = 0; i < before.size(); ++i) {
    EXPECT_GT(before[i], 0) << i;
    EXPECT_NEAR(after[i], before[i], 1e-3 * before[i]) << i;
  }
}

} // namespace
} // namespace lpgen::quant
