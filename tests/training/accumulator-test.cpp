// Accumulators: bounds and analysis against known values, the emulated adder,
// and products whose sums are narrow.
#include "tests/training/TrainingTesting.h"
#include "training/contractions/AccumulatorPlan.h"
#include "training/contractions/FloatBackend.h"
#include "training/contractions/IntegerBackend.h"
#include "training/quantizers/RangeQuantizer.h"
#include <gmock/gmock.h>
#include <limits>

namespace lpgen::quant {
namespace {

using nn::FloatTensor;
using nn::Product;
using testing::normalTensor;

TEST(AccumulatorPlan, ExactBound) {
  EXPECT_EQ(exactAccumulatorBits(516, 32767, 127), 32);
  EXPECT_EQ(exactAccumulatorBits(517, 32767, 127), 33);
  EXPECT_EQ(exactAccumulatorBits(133144, 127, 127), 32);
  EXPECT_EQ(exactAccumulatorBits(133145, 127, 127), 33);
  EXPECT_EQ(exactAccumulatorBits(2, 127, 127), 16);
  EXPECT_EQ(exactAccumulatorBits(3, 127, 127), 17);
  EXPECT_EQ(exactAccumulatorBits(1, 1, 1), 2);
}

TEST(AccumulatorPlan, VarianceRetention) {
  struct Known {
    int bits;
    int64_t n;
    double one;
    double power;
  };
  const std::vector<Known> values = {{5, 144, 0.958860, 0.989016},
                                     {6, 144, 0.998999, 0.997159},
                                     {7, 1152, 0.996650, 0.997889},
                                     {9, 4608, 0.999914, 0.999748}};
  for (const Known &known : values) {
    EXPECT_NEAR(varianceRetention(known.bits, 5, known.n, SwampingStages::One),
                known.one, 1e-6);
    EXPECT_NEAR(
        varianceRetention(known.bits, 5, known.n, SwampingStages::PowerOfTwo),
        known.power, 1e-6);
  }
}

TEST(AccumulatorPlan, LeastMantissaOfKnownLengths) {
  const std::vector<std::pair<int64_t, int>> widths = {
      {25, 5},   {147, 6},    {288, 6},    {576, 7},    {1152, 7},   {2304, 8},
      {4608, 9}, {16384, 10}, {32768, 11}, {65536, 12}, {131072, 12}};
  for (const auto &[n, bits] : widths) {
    EXPECT_EQ(leastMantissa(5, n), bits) << n;
    EXPECT_LE(leastChunkedMantissa(5, n, 64), bits) << n;
  }
  EXPECT_LE(leastChunkedMantissa(5, 32768, 64) + 2, leastMantissa(5, 32768));
}

TEST(AccumulatorPlan, TheLastLayerHasTheMantissaOfHalfFloats) {
  using nn::LayerPlace;
  EXPECT_EQ(plannedMantissa(LayerPlace::Inner, 5, 1152, 0, 0), 7);
  EXPECT_EQ(plannedMantissa(LayerPlace::Inner, 5, 1152, 64, 0), 5);
  EXPECT_EQ(plannedMantissa(LayerPlace::Inner, 5, 1152, 0, -2), 5);
  EXPECT_EQ(plannedMantissa(LayerPlace::First, 5, 1152, 0, 20), 23);
  EXPECT_EQ(plannedMantissa(LayerPlace::Last, 5, 1152, 0, 0), 10);
  EXPECT_EQ(plannedMantissa(LayerPlace::Last, 5, 1152, 0, -2), 10);
  EXPECT_EQ(plannedMantissa(LayerPlace::Last, 5, 65536, 0, 0), 12);
}

TEST(AccumulatorPlan, StatisticalWidthFollowsTheMoments) {
  EXPECT_EQ(statisticalAccumulatorBits(100, {0, 100}, {0, 100}, 6), 14);
  EXPECT_EQ(statisticalAccumulatorBits(100, {10, 100}, {10, 100}, 6), 15);
  EXPECT_EQ(statisticalAccumulatorBits(100, {0, 0}, {0, 0}, 6), 2);
}

TEST(NarrowAdder, CutsAndRounds) {
  EXPECT_EQ(nn::addTruncating(8.0F, 0.9F, 3), 8.0F); // Units of 1.
  EXPECT_EQ(nn::addTruncating(8.0F, 1.9F, 3), 9.0F);
  EXPECT_EQ(nn::addTruncating(8.0F, -1.9F, 3), 7.0F);
  EXPECT_EQ(nn::addTruncating(0.9F, 8.0F, 3), 8.0F);
  EXPECT_EQ(nn::addTruncating(15.0F, 2.0F, 3), 16.0F); // 17, units of 2.
  EXPECT_EQ(nn::addTruncating(15.0F, 4.0F, 3), 20.0F); // 19: a tie to even.
  EXPECT_EQ(nn::addTruncating(0.0F, 0.0F, 3), 0.0F);
  EXPECT_EQ(nn::addTruncating(0.0F, 1.25F, 2), 1.25F);
  const float infinity = std::numeric_limits<float>::infinity();
  EXPECT_TRUE(std::isnan(nn::addTruncating(1.0F, std::nanf(""), 8)));
  EXPECT_FALSE(std::isfinite(nn::addTruncating(infinity, 1.0F, 8)));
  EXPECT_EQ(nn::roundMantissa(1.0F + 0x1p-5F, 4), 1.0F);
  EXPECT_EQ(nn::roundMantissa(1.0F + 0x3p-5F, 4), 1.125F);
  EXPECT_EQ(nn::wrapTo(128, 8), -128);
  EXPECT_EQ(nn::wrapTo(-129, 8), 127);
  EXPECT_EQ(nn::wrapTo(127, 8), 127);
  EXPECT_EQ(nn::wrapTo(INT64_MIN, 64), INT64_MIN);
}

TEST(NarrowAdder, OfTheAccumulatorIsOneOfTwo) {
  nn::FloatAccumulator accumulator;
  accumulator.mantissaBits = 3;
  EXPECT_EQ(nn::addNarrow(8.0F, 0.9F, accumulator), 9.0F); // Units of 1.
  EXPECT_EQ(nn::addNarrow(8.0F, 0.5F, accumulator), 8.0F); // A tie to even.
  accumulator.adder = nn::FloatAccumulator::Adder::Truncating;
  EXPECT_EQ(nn::addNarrow(8.0F, 0.9F, accumulator), 8.0F);
}

TEST(NarrowAdder, LosesVarianceAsTheAnalysisHasIt) {
  // Of sums of 1152 normal terms with 5 bits: about 0.78 with 5 bits, 0.99
  // with 8.
  const auto retained = [](int bits) {
    double narrow = 0;
    double wide = 0;
    for (uint64_t trial = 0; trial < 600; ++trial) {
      float sum = 0;
      double exact = 0;
      for (uint64_t i = 0; i < 1152; ++i) {
        const float term = nn::roundMantissa(nn::RandomKey(trial).normal(i), 5);
        sum = nn::addTruncating(sum, term, bits);
        exact += double(term);
      }
      narrow += double(sum) * double(sum);
      wide += exact * exact;
    }
    return narrow / wide;
  };
  EXPECT_NEAR(retained(5), 0.78, 0.06);
  EXPECT_NEAR(retained(8), 0.99, 0.02);
}

ConvGeometry geometry(int64_t stride) {
  ConvGeometry g;
  g.height = 6;
  g.width = 5;
  g.channels = 8;
  g.outputs = 4;
  g.kernel = 3;
  g.stride = stride;
  g.padding = 1;
  g.groups = 2;
  return g;
}

/// y, dw and dx of a layer, one after the other.
std::vector<float> allProducts(nn::ContractionBackend &backend,
                               const ConvGeometry &g) {
  const FloatTensor x = normalTensor({4, g.height, g.width, g.channels}, 1);
  const FloatTensor w = normalTensor(g.weightShape(), 2);
  const FloatTensor dy =
      normalTensor({4, g.outHeight(), g.outWidth(), g.outputs}, 3);
  FloatTensor y(dy.shape());
  FloatTensor dw(w.shape());
  FloatTensor dx(x.shape());
  EXPECT_TRUE(backend.forward(x, w, y, nn::StepContext()).ok());
  EXPECT_TRUE(backend.backward(x, w, dy, &dw, &dx, nn::StepContext()).ok());
  std::vector<float> all;
  for (const FloatTensor *tensor : {&y, &dw, &dx}) {
    all.insert(all.end(), tensor->values().begin(), tensor->values().end());
  }
  return all;
}

TEST(FloatAccumulators, WideOnesAreCloseNarrowOnesAreNot) {
  using Adder = nn::FloatAccumulator::Adder;
  for (const int64_t stride : {1, 2}) {
    const ConvGeometry g = geometry(stride);
    nn::FloatBackend plain(g);
    const std::vector<float> expected = allProducts(plain, g);
    const auto errorWith = [&](Adder adder, int bits, int64_t chunk) {
      nn::FloatBackend backend(g);
      nn::AccumulatorRules rules;
      rules.floats.fill({adder, bits, 23, chunk});
      EXPECT_TRUE(backend.useAccumulators(rules).ok());
      EXPECT_EQ(backend.report().implementations[size_t(Product::Forward)],
                "emulated accumulator");
      EXPECT_EQ(backend.report().accumulators[1].bits, bits);
      const std::vector<float> found = allProducts(backend, g);
      double error = 0;
      for (size_t i = 0; i < found.size(); ++i) {
        error = std::max(error, double(std::fabs(found[i] - expected[i])));
      }
      return error;
    };
    for (const Adder adder : {Adder::Nearest, Adder::Truncating}) {
      EXPECT_LT(errorWith(adder, 22, 0), 1e-4);
      EXPECT_LT(errorWith(adder, 22, 16), 1e-4);
      EXPECT_GT(errorWith(adder, 4, 0), 0.1);
    }
    EXPECT_LT(errorWith(Adder::Nearest, 6, 0),
              errorWith(Adder::Truncating, 6, 0));
  }
}

KernelProvider &provider() {
  static KernelProvider kernels(testing::testCompiler());
  return kernels;
}

std::unique_ptr<IntegerBackend> integerBackend(const ConvGeometry &g,
                                               int bits) {
  const auto make = [&](const char *tensor) {
    return std::make_unique<RangeQuantizer>(tensor, bits, Rounding::Nearest);
  };
  return std::make_unique<IntegerBackend>(
      g, LayerQuantizers{make("x"), make("w"), make("dy")}, provider());
}

TEST(IntegerAccumulators, AreExactWhereSumsFitAndWrapWhereNot) {
  const int bits = 4;
  for (const int64_t stride : {1, 2}) {
    const ConvGeometry g = geometry(stride);
    const auto plain = integerBackend(g, bits);
    EXPECT_TRUE(plain->report().accumulators.empty());
    const std::vector<float> expected = allProducts(*plain, g);
    const auto run = [&](nn::IntegerAccumulator::Width width, int extraBits) {
      const auto backend = integerBackend(g, bits);
      nn::AccumulatorRules rules;
      rules.integers = {width, extraBits, 6};
      EXPECT_TRUE(backend->useAccumulators(rules).ok());
      const std::vector<float> found = allProducts(*backend, g);
      int64_t wrapped = 0;
      int64_t sums = 0;
      for (const nn::AccumulatorReport &report :
           backend->report().accumulators) {
        wrapped += report.wrapped;
        sums += report.sums;
      }
      EXPECT_EQ(sums, int64_t(found.size()));
      int64_t different = 0;
      for (size_t i = 0; i < found.size(); ++i) {
        different += found[i] != expected[i];
      }
      EXPECT_EQ(wrapped, different);
      return wrapped;
    };
    EXPECT_EQ(run(nn::IntegerAccumulator::Width::Exact, 0), 0);
    EXPECT_EQ(run(nn::IntegerAccumulator::Width::Statistical, 0), 0);
    EXPECT_GT(run(nn::IntegerAccumulator::Width::Statistical, -4), 100);
  }
}

} // namespace
} // namespace lpgen::quant
