// The methods of post-training quantization, each against what it promises.
#include "tests/training/TrainingTesting.h"
#include "training/layers/BatchNorm.h"
#include "training/posttraining/ActivationRange.h"
#include "training/posttraining/BiasCorrection.h"
#include "training/posttraining/Budget.h"
#include "training/posttraining/CalibratedBackend.h"
#include "training/posttraining/Equalization.h"
#include "training/posttraining/FilterIntegers.h"
#include "training/posttraining/InputMoments.h"
#include "training/posttraining/LearnedRounding.h"
#include "training/posttraining/Multipoint.h"
#include "training/posttraining/PointOrder.h"
#include "training/posttraining/WeightScale.h"
#include "training/posttraining/Widths.h"
#include <algorithm>
#include <cmath>
#include <gmock/gmock.h>
#include <numeric>

namespace lpgen::posttraining {
namespace {

using ::testing::HasSubstr;

std::vector<float> normals(size_t count, uint64_t seed) {
  const nn::FloatTensor tensor = testing::normalTensor({int64_t(count)}, seed);
  return {tensor.values().begin(), tensor.values().end()};
}

/// Quantiles of an exponential distribution of mean 1.
std::vector<float> exponentials() {
  std::vector<float> values(65536);
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = float(-std::log(1 - (double(i) + 0.5) / 65536));
  }
  return values;
}

TEST(ActivationRange, EachFindsTheLimitOfAKnownDistribution) {
  const std::vector<float> x = exponentials();
  const ActivationStatistics statistics(x, nn::StepContext());
  const auto limit = [&](ActivationRange range, int bits) {
    const QuantParams grid = activationGrid(statistics, bits, range);
    EXPECT_EQ(grid.lowest, 0);
    EXPECT_EQ(grid.highest, (1 << bits) - 1);
    return grid.scale * float(grid.highest);
  };
  EXPECT_FLOAT_EQ(limit(ActivationRange::Max, 4), x.back());
  // 1 - exp(-l) = 0.999
  EXPECT_NEAR(limit(ActivationRange::Percentile, 4), 6.91, 0.05);
  // The least of 2 exp(-l) + l^2 / (12 15^2); one of 32 limits.
  EXPECT_NEAR(limit(ActivationRange::Mse, 4), 6.1, x.back() / 32);
  const float divergence = limit(ActivationRange::Divergence, 4);
  EXPECT_GT(divergence, 3.0F);
  EXPECT_LT(divergence, x.back());
}

TEST(ActivationRange, NegativeElementsTakeSymmetricCodes) {
  const std::vector<float> x = {-2.0F, 1.0F, 0.5F};
  const ActivationStatistics statistics(x, nn::StepContext());
  const QuantParams grid = activationGrid(statistics, 8, ActivationRange::Max);
  EXPECT_EQ(grid.lowest, -127);
  EXPECT_EQ(grid.highest, 127);
  EXPECT_FLOAT_EQ(grid.scale, 2.0F / 127);
  const std::vector<float> zeros(8, 0.0F);
  for (const ActivationRange range :
       {ActivationRange::Max, ActivationRange::Percentile, ActivationRange::Mse,
        ActivationRange::Divergence}) {
    EXPECT_EQ(
        activationGrid(ActivationStatistics(zeros, nn::StepContext()), 4, range)
            .scale,
        1.0F);
  }
}

TEST(WeightScale, MseIsBestAndDistributionIsBestForNormalFilters) {
  for (int bits = 2; bits <= 8; ++bits) {
    const QuantParams grid = weightGrid(bits);
    const std::vector<float> w = normals(4096, uint64_t(bits));
    const auto error = [&](WeightRange range) {
      return squaredError(w, grid, weightScale(w, grid, range));
    };
    EXPECT_LE(error(WeightRange::Mse), error(WeightRange::Max));
    EXPECT_LT(error(WeightRange::Distribution), 1.1 * error(WeightRange::Mse))
        << bits;
  }
  // Normal numbers become signs times their mean magnitude.
  EXPECT_NEAR(normalScale(weightGrid(1)), std::sqrt(2 / 3.14159265), 1e-6);
}

TEST(WeightScale, OneBitIsTheMeanMagnitudeAndZerosStayZero) {
  const std::vector<float> w = {0.5F, -1.5F, 1.0F, -1.0F};
  const QuantParams signs = weightGrid(1);
  EXPECT_EQ(weightScale(w, signs, WeightRange::Mse), 1.0F);
  std::vector<int32_t> codes(4);
  roundToNearest(w, signs, 1.0F, codes);
  EXPECT_EQ(codes, (std::vector<int32_t>{1, -1, 1, -1}));
  const std::vector<float> zeros(4, 0.0F);
  roundToNearest(zeros, weightGrid(4),
                 weightScale(zeros, weightGrid(4), WeightRange::Mse), codes);
  EXPECT_EQ(codes, (std::vector<int32_t>{0, 0, 0, 0}));
}

double errorOf(std::span<const float> w, float scale,
               const std::vector<int32_t> &codes,
               const nn::FloatTensor &moments) {
  std::vector<float> rest(w.begin(), w.end());
  for (size_t i = 0; i < rest.size(); ++i) {
    rest[i] -= scale * float(codes[i]);
  }
  return varianceOf(rest, moments);
}

TEST(LearnedRounding, IsNeverWorseThanNearestAndBetterOnCorrelatedInputs) {
  const ConvGeometry g = ConvGeometry::linear(24, 1);
  // Inputs that share a part.
  nn::FloatTensor x = testing::normalTensor({400, 24}, 5);
  const std::vector<float> common = normals(400, 6);
  for (int64_t i = 0; i < x.size(); ++i) {
    x[i] += 3 * common[size_t(i / 24)];
  }
  const nn::FloatTensor moments = columnMoments(x, g, 1000, nn::StepContext());
  const LearnedRounding rounding(moments);
  const QuantParams grid = weightGrid(3);
  double allBefore = 0;
  double allAfter = 0;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const std::vector<float> w = normals(24, 100 + seed);
    const float scale = weightScale(w, grid, WeightRange::Mse);
    std::vector<int32_t> nearest(24);
    roundToNearest(w, grid, scale, nearest);
    std::vector<int32_t> learned = nearest;
    rounding.improve(w, grid, scale, learned);
    const double before = errorOf(w, scale, nearest, moments);
    const double after = errorOf(w, scale, learned, moments);
    EXPECT_LE(after, before) << seed;
    allBefore += before;
    allAfter += after;
    EXPECT_GE(*std::ranges::min_element(learned), grid.lowest);
    EXPECT_LE(*std::ranges::max_element(learned), grid.highest);
  }
  EXPECT_LT(allAfter, 0.5 * allBefore);
}

TEST(LearnedRounding, IndependentInputsRoundToNearest) {
  nn::FloatTensor moments({8, 8});
  for (int64_t i = 0; i < 8; ++i) {
    moments[i * 9] = 1.0F + float(i);
  }
  const std::vector<float> w = normals(8, 3);
  std::vector<int32_t> nearest(8);
  roundToNearest(w, weightGrid(4), 0.2F, nearest);
  std::vector<int32_t> learned = nearest;
  LearnedRounding(moments).improve(w, weightGrid(4), 0.2F, learned);
  EXPECT_EQ(learned, nearest);
}

TEST(InputMoments, AreTheVarianceOfTheOutput) {
  const ConvGeometry g = ConvGeometry::linear(6, 1);
  const nn::FloatTensor x = testing::normalTensor({50, 6}, 8);
  const std::vector<float> w = normals(6, 9);
  std::vector<double> y(50);
  for (int64_t i = 0; i < 50; ++i) {
    y[size_t(i)] =
        std::inner_product(w.begin(), w.end(), x.data() + i * 6, 0.0);
  }
  const double mean = std::accumulate(y.begin(), y.end(), 0.0) / 50;
  double variance = 0;
  for (const double value : y) {
    variance += (value - mean) * (value - mean) / 50;
  }
  const nn::FloatTensor moments = columnMoments(x, g, 50, nn::StepContext());
  EXPECT_NEAR(varianceOf(w, moments), variance, 0.001 * variance);
}

TEST(BiasCorrection, LeavesNoMeanError) {
  const nn::FloatTensor wanted = testing::normalTensor({40, 3}, 1);
  const nn::FloatTensor found = testing::normalTensor({40, 3}, 2);
  const nn::StepContext context;
  const std::vector<float> before = {0.5F, -1.0F, 2.0F};
  std::vector<float> offset = before;
  const std::vector<double> wantedMeans = channelMeans(wanted, 3, context);
  const std::vector<double> foundMeans = channelMeans(found, 3, context);
  correctBias(before, wantedMeans, foundMeans, offset);
  for (size_t c = 0; c < 3; ++c) {
    EXPECT_NEAR(foundMeans[c] + double(offset[c]),
                wantedMeans[c] + double(before[c]), 1e-6);
  }
}

TEST(Equalization, LeavesTheFunctionAndEvensTheRanges) {
  constexpr int64_t inputs = 5, channels = 4, outputs = 3;
  std::vector<float> first = normals(channels * inputs, 1);
  for (size_t i = 0; i < inputs; ++i) {
    first[i] *= 100; // The first channel.
  }
  std::vector<float> offsets = normals(channels, 2);
  std::vector<float> second = normals(outputs * channels, 3);
  const std::vector<float> x = normals(inputs, 4);
  const auto forward = [&] {
    std::vector<double> y(outputs, 0.0);
    for (size_t c = 0; c < channels; ++c) {
      const double sum = std::inner_product(x.begin(), x.end(),
                                            first.begin() + int64_t(c * inputs),
                                            double(offsets[c]));
      for (size_t o = 0; o < outputs; ++o) {
        y[o] += std::max(sum, 0.0) * double(second[o * channels + c]);
      }
    }
    return y;
  };
  const std::vector<double> before = forward();
  equalize(channels, first, offsets, second);
  const std::vector<double> after = forward();
  for (size_t o = 0; o < outputs; ++o) {
    EXPECT_NEAR(after[o], before[o], 1e-4 * std::fabs(before[o]) + 1e-6);
  }
  for (size_t c = 0; c < channels; ++c) {
    float firstMax = 0;
    float secondMax = 0;
    for (size_t i = 0; i < inputs; ++i) {
      firstMax = std::max(firstMax, std::fabs(first[c * inputs + i]));
    }
    for (size_t o = 0; o < outputs; ++o) {
      secondMax = std::max(secondMax, std::fabs(second[o * channels + c]));
    }
    EXPECT_NEAR(firstMax, secondMax, 1e-4F * firstMax);
  }
}

TEST(Multipoint, EachPointTakesFromTheRest) {
  std::vector<float> rest = normals(64, 11);
  const std::vector<float> w = rest;
  std::vector<double> sum(64, 0.0);
  double left = std::inner_product(rest.begin(), rest.end(), rest.begin(), 0.0);
  for (int p = 0; p < 4; ++p) {
    const FilterPoint point =
        takePoint(rest, weightGrid(3), WeightRange::Mse, nullptr);
    for (size_t i = 0; i < 64; ++i) {
      sum[i] += double(point.scale) * point.codes[i];
      EXPECT_NEAR(sum[i] + double(rest[i]), double(w[i]), 1e-5);
    }
    const double now =
        std::inner_product(rest.begin(), rest.end(), rest.begin(), 0.0);
    EXPECT_LT(now, 0.25 * left); // Exponentially less.
    left = now;
  }
}

TEST(FilterIntegers, TheWorstFiltersGetAnotherPoint) {
  nn::FloatTensor weight = testing::normalTensor({8, 2, 2, 3}, 21);
  Methods methods;
  methods.points = 2;
  methods.pointShare = 0.25;
  const std::vector<WeightPoint> points =
      filterIntegers(weight, 3, methods, nn::FloatTensor());
  ASSERT_EQ(points.size(), 2U);
  int filters = 0;
  for (size_t o = 0; o < 8; ++o) {
    const auto row = points[1].codes.begin() + int64_t(o * 12);
    filters +=
        std::any_of(row, row + 12, [](int32_t q) { return q != 0; }) ? 1 : 0;
  }
  EXPECT_EQ(filters, 2);
}

TEST(Widths, TheSensitiveLayerGetsMoreBitsAndTheBudgetHolds) {
  WidthProblem problem;
  problem.macs = {100, 100, 100};
  problem.isChosen = {false, true, true};
  problem.budget = 100 * 64 + 2 * 100 * 16;
  problem.loss = [](const Widths &widths) -> Result<double> {
    const auto noise = [](const LayerWidths &layer) {
      return std::pow(4.0, -layer.weight) + std::pow(4.0, -layer.input);
    };
    return noise(widths[1]) + 300 * noise(widths[2]);
  };
  const Widths fixed(3, LayerWidths{8, 8});
  const Result<Widths> widths = chooseWidths(problem, fixed);
  ASSERT_TRUE(widths.ok()) << widths.message();
  EXPECT_EQ((*widths)[0], (LayerWidths{8, 8}));
  EXPECT_LT((*widths)[1].weight, (*widths)[2].weight);
  EXPECT_LE(bitOperations(problem.macs, *widths), problem.budget);
  Widths uniform = fixed;
  uniform[1] = uniform[2] = {4, 4};
  EXPECT_LT(*problem.loss(*widths), *problem.loss(uniform));
  problem.budget = 1000;
  EXPECT_THAT(chooseWidths(problem, fixed).message(),
              HasSubstr("less than the 7200 that 2 bits take"));
}

TEST(Budget, NumbersAndUnits) {
  EXPECT_EQ(Budget::parse("1.5G")->amount, 1.5e9);
  EXPECT_EQ(Budget::parse("4bits")->unit, Budget::Unit::Bits);
  EXPECT_EQ(Budget::parse("60kcycles")->unit, Budget::Unit::Cycles);
  EXPECT_EQ(Budget::parse("60kcycles")->amount, 60000);
  for (const char *wrong : {"", "bits", "-1M", "4 bits", "nan", "inf", "3x"}) {
    EXPECT_THAT(Budget::parse(wrong).message(),
                HasSubstr("expected bit operations of an image"))
        << wrong;
  }
}

TEST(BatchNorm, ItsGainsCanGoIntoTheWeights) {
  nn::BatchNorm norm("bn", 4);
  nn::StepContext context;
  nn::FloatTensor x = testing::normalTensor({30, 4}, 31);
  nn::FloatTensor y;
  ASSERT_TRUE(norm.forward(x, y, context).ok()); // Moves the statistics.
  context.mode = nn::Mode::Evaluate;
  ASSERT_TRUE(norm.forward(x, y, context).ok());
  const nn::FloatTensor before = y;
  const std::vector<float> gains = norm.takeGains();
  for (int64_t i = 0; i < x.size(); ++i) {
    x[i] *= gains[size_t(i % 4)];
  }
  ASSERT_TRUE(norm.forward(x, y, context).ok());
  for (int64_t i = 0; i < x.size(); ++i) {
    EXPECT_FLOAT_EQ(y[i], before[i]);
  }
  EXPECT_EQ(norm.takeGains(), std::vector<float>(4, 1.0F));
}

/// y of a layer and of a linear one behind it, relu between them.
std::vector<double> forwardBoth(const LayerIntegers &first,
                                const std::vector<float> &offsets,
                                const LayerIntegers &second,
                                const std::vector<float> &x) {
  const auto weightsOf = [](const LayerIntegers &layer) {
    nn::FloatTensor weights({int64_t(layer.points[0].scales.size()),
                             int64_t(layer.points[0].codes.size() /
                                     layer.points[0].scales.size())});
    decodeWeights(layer, weights);
    return weights;
  };
  const nn::FloatTensor w1 = weightsOf(first);
  const nn::FloatTensor w2 = weightsOf(second);
  std::vector<double> y(size_t(w2.extent(0)), 0.0);
  for (int64_t c = 0; c < w1.extent(0); ++c) {
    double sum = offsets[size_t(c)];
    for (int64_t i = 0; i < w1.extent(1); ++i) {
      sum += double(w1[c * w1.extent(1) + i]) * double(x[size_t(i)]);
    }
    for (int64_t o = 0; o < w2.extent(0); ++o) {
      y[size_t(o)] += std::max(sum, 0.0) * double(w2[o * w2.extent(1) + c]);
    }
  }
  return y;
}

TEST(PointOrder, LaterPointsHaveFewFiltersAndTheFunctionStays) {
  Methods methods;
  methods.points = 3;
  methods.pointShare = 0.3;
  LayerIntegers first;
  first.points = filterIntegers(testing::normalTensor({10, 6}, 51), 3, methods,
                                nn::FloatTensor());
  methods.points = 1;
  LayerIntegers second;
  second.points = filterIntegers(testing::normalTensor({4, 10}, 52), 4, methods,
                                 nn::FloatTensor());
  std::vector<float> offsets = normals(10, 53);
  const std::vector<float> x = normals(6, 54);
  const std::vector<double> before = forwardBoth(first, offsets, second, x);
  orderByPoints(first, offsets, second);
  ASSERT_EQ(first.points.size(), 3U);
  EXPECT_EQ(first.points[0].scales.size(), 10U);
  EXPECT_LE(first.points[1].scales.size(), 6U);
  EXPECT_LE(first.points[2].scales.size(), first.points[1].scales.size());
  EXPECT_EQ(first.points[2].codes.size(), 6 * first.points[2].scales.size());
  const std::vector<double> after = forwardBoth(first, offsets, second, x);
  for (size_t o = 0; o < after.size(); ++o) {
    EXPECT_NEAR(after[o], before[o], 1e-5);
  }
}

TEST(CalibratedBackend, KernelsComputeWhatIsEmulated) {
  nn::LayerSpec spec;
  spec.name = "conv";
  spec.geometry.height = spec.geometry.width = 6;
  spec.geometry.channels = 5;
  spec.geometry.outputs = 7;
  spec.geometry.kernel = 3;
  spec.geometry.padding = 1;
  KernelProvider kernels(testing::testCompiler());
  CalibratedBackend backend(spec, kernels);
  nn::FloatTensor x = testing::normalTensor({3, 6, 6, 5}, 41);
  for (float &value : x.values()) {
    value = std::max(value, 0.0F);
  }
  const nn::FloatTensor weight = testing::normalTensor({7, 3, 3, 5}, 42);
  Methods methods;
  methods.points = 2;
  LayerIntegers integers;
  integers.input =
      activationGrid(ActivationStatistics(x.values(), nn::StepContext()), 4,
                     ActivationRange::Mse);
  integers.points = filterIntegers(weight, 3, methods, nn::FloatTensor());
  // The second point of the first two filters only.
  integers.points[1].scales.resize(2);
  integers.points[1].codes.resize(size_t(2 * 3 * 3 * 5));
  backend.setIntegers(integers);
  nn::StepContext context;
  context.mode = nn::Mode::Evaluate;
  nn::FloatTensor emulated({3, 6, 6, 7});
  nn::FloatTensor integer({3, 6, 6, 7});
  backend.use(Arithmetic::Emulated);
  ASSERT_TRUE(backend.forward(x, weight, emulated, context).ok());
  backend.use(Arithmetic::Integer);
  const Status status = backend.forward(x, weight, integer, context);
  ASSERT_TRUE(status.ok()) << status.message();
  for (int64_t i = 0; i < integer.size(); ++i) {
    EXPECT_NEAR(integer[i], emulated[i], 1e-4F);
  }
}

} // namespace
} // namespace lpgen::posttraining
