// Rounding to integers, and the adaptive quantizer's formulas and state.
#include "training/quantizers/AdaptiveQuantizer.h"
#include "training/quantizers/Quantize.h"
#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>

namespace lpgen::quant {
namespace {

constexpr nn::RandomKey key(5);

std::vector<float> normals(int64_t count, float scale = 1) {
  std::vector<float> x(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i) {
    x[size_t(i)] = scale * key.normal(uint64_t(i));
  }
  return x;
}

TEST(Quantize, RoundsToNearestEvenSaturatesAndCounts) {
  const std::vector<float> x = {0.0F,   0.5F,   1.5F,    -2.5F,  126.9F,
                                127.4F, 127.6F, -500.0F, 0.125F, -0.5F};
  IntTensor q;
  const QuantizeCounts counts = quantize(
      x, {-127, 127}, 1.0F, Rounding::Nearest, key, nn::StepContext(), q);
  const std::vector<int> expected = {0, 0, 2, -2, 127, 127, 127, -127, 0, 0};
  int64_t sum = 0;
  for (int64_t i = 0; i < q.size(); ++i) {
    EXPECT_EQ(q.at(i), expected[size_t(i)]) << i;
    sum += std::abs(expected[size_t(i)]);
  }
  EXPECT_EQ(counts.sum, sum);
  EXPECT_EQ(counts.saturated, 2);  // 127.6 and -500
  EXPECT_EQ(counts.underflown, 3); // 0.5, 0.125, -0.5
  EXPECT_FALSE(counts.hasInvalid);
}

TEST(Quantize, OfWhatItMadeChangesNothing) {
  for (const int32_t max : {1, 7, 127, 2047, 32767}) {
    IntTensor q;
    quantize(normals(5000, float(max) / 3), {-max, max}, 0.25F,
             Rounding::Nearest, key, nn::StepContext(), q);
    std::vector<float> values;
    for (int64_t i = 0; i < q.size(); ++i) {
      values.push_back(0.25F * float(q.at(i)));
      ASSERT_LE(std::abs(q.at(i)), max);
    }
    for (const Rounding rounding : {Rounding::Nearest, Rounding::Stochastic}) {
      IntTensor again;
      quantize(values, {-max, max}, 0.25F, rounding, key, nn::StepContext(),
               again);
      for (int64_t i = 0; i < q.size(); ++i) {
        ASSERT_EQ(again.at(i), q.at(i)) << max << ": " << i;
      }
    }
  }
}

TEST(Quantize, StochasticRoundingHasTheRightMean) {
  // 5 sigma of the mean of n draws that differ by 1 at most: 2.5 / sqrt(n).
  constexpr int64_t draws = 1000000;
  for (const float value : {0.25F, -0.75F, 3.1F}) {
    const std::vector<float> x(draws, value);
    IntTensor q;
    quantize(x, {-127, 127}, 1.0F, Rounding::Stochastic, key, nn::StepContext(),
             q);
    double sum = 0;
    for (int64_t i = 0; i < draws; ++i) {
      sum += q.at(i);
      ASSERT_LT(std::abs(double(q.at(i)) - double(value)), 1.0);
    }
    EXPECT_NEAR(sum / draws, double(value), 2.5 / std::sqrt(double(draws)));
  }
}

TEST(Quantize, EqualOnAnyNumberOfThreads) {
  const std::vector<float> x = normals(100003, 20);
  ThreadPool pool(3);
  nn::StepContext threads;
  threads.pool = &pool;
  IntTensor one;
  IntTensor three;
  const auto first = quantize(x, {-127, 127}, 0.5F, Rounding::Stochastic, key,
                              nn::StepContext(), one);
  const auto second =
      quantize(x, {-127, 127}, 0.5F, Rounding::Stochastic, key, threads, three);
  EXPECT_EQ(first.sum, second.sum);
  for (int64_t i = 0; i < one.size(); ++i) {
    ASSERT_EQ(one.at(i), three.at(i));
  }
  const Magnitudes a = measureMagnitudes(x, nn::StepContext());
  const Magnitudes b = measureMagnitudes(x, threads);
  EXPECT_EQ(a.sum, b.sum);
  EXPECT_EQ(a.max, b.max);
  double sum = 0;
  for (const float v : x) {
    sum += double(std::fabs(v));
  }
  EXPECT_NEAR(a.sum / sum, 1.0, 1e-6);
}

TEST(Quantize, NoticesNaN) {
  const std::vector<float> x = {1.0F, std::nanf(""), 2.0F};
  IntTensor q;
  for (const Rounding rounding : {Rounding::Nearest, Rounding::Stochastic}) {
    EXPECT_TRUE(
        quantize(x, {-127, 127}, 1.0F, rounding, key, nn::StepContext(), q)
            .hasInvalid);
  }
  EXPECT_FALSE(std::isfinite(measureMagnitudes(x, nn::StepContext()).sum));
}

AdaptiveOptions optionsFor(int64_t maxInterval) {
  AdaptiveOptions options;
  options.maxInterval = maxInterval;
  return options;
}

TEST(Adaptive, IntervalsOfThePaper) {
  const AdaptiveOptions options = optionsFor(1000);
  EXPECT_EQ(updateInterval(options, 0.03, 0), 1);
  EXPECT_EQ(updateInterval(options, 0.01, 0), 8);
  EXPECT_EQ(updateInterval(options, 0.005, 0), 38);
  EXPECT_EQ(updateInterval(options, 0.003, 0), 109);
  EXPECT_EQ(updateInterval(options, 0, options.alpha * 1), 1);
  EXPECT_EQ(updateInterval(options, 0, options.alpha * 0.1), 23);
  EXPECT_EQ(updateInterval(options, 0, 0), 1000);
}

TEST(Adaptive, ErrorAndExponent) {
  EXPECT_EQ(quantizationError(0, 0), 0);
  EXPECT_DOUBLE_EQ(quantizationError(2, 1), std::log2(1.5));
  EXPECT_EQ(scaleExponent(127, 8), 0);
  EXPECT_EQ(scaleExponent(127.5F, 8), 1);
  EXPECT_EQ(scaleExponent(32767, 16), 0);
  EXPECT_EQ(scaleExponent(1.0F, 8), -6);
}

nn::FloatTensor tensorOf(const std::vector<float> &values) {
  nn::FloatTensor tensor({int64_t(values.size())});
  std::ranges::copy(values, tensor.data());
  return tensor;
}

nn::StepContext passAt(int64_t step) {
  nn::StepContext context;
  context.step = step;
  return context;
}

/// One huge value and many of 0.4 steps of 8 bits: they all become 0.
nn::FloatTensor hardTensor() {
  std::vector<float> values(1000, 0.4F);
  values[3] = 127;
  return tensorOf(values);
}

TEST(Adaptive, WidensWhereTheMeanChangesAndModesDiffer) {
  for (const bool restarts : {false, true}) {
    AdaptiveOptions options = optionsFor(1);
    options.mode =
        restarts ? AdaptiveOptions::Mode::Restart : AdaptiveOptions::Mode::Grow;
    AdaptiveQuantizer quantizer("g", options);
    IntTensor q;
    ASSERT_TRUE(quantizer.quantize(tensorOf(normals(1000)), passAt(0), q).ok());
    EXPECT_EQ(quantizer.report().bits, 8);
    ASSERT_TRUE(quantizer.quantize(hardTensor(), passAt(1), q).ok());
    EXPECT_EQ(quantizer.report().bits, 16);
    EXPECT_EQ(q.max(), 32767);
    EXPECT_NEAR(double(q.at(0)) * double(q.scale()), 0.4, 0.002);
    ASSERT_TRUE(quantizer.quantize(tensorOf(normals(1000)), passAt(2), q).ok());
    EXPECT_EQ(quantizer.report().bits, restarts ? 8 : 16);
    EXPECT_EQ(quantizer.report().quantized, 3000);
  }
}

TEST(Adaptive, StochasticRoundingLeavesTheMeanWith8Bits) {
  AdaptiveOptions options = optionsFor(1);
  options.rounding = Rounding::Stochastic;
  AdaptiveQuantizer quantizer("g", options);
  IntTensor q;
  ASSERT_TRUE(quantizer.quantize(hardTensor(), passAt(0), q).ok());
  EXPECT_EQ(quantizer.report().bits, 8); // 16 with rounding to nearest
  EXPECT_EQ(q.at(3), 127);
  // Evaluation draws no random numbers.
  nn::StepContext evaluate = passAt(7);
  evaluate.mode = nn::Mode::Evaluate;
  ASSERT_TRUE(quantizer.quantize(hardTensor(), evaluate, q).ok());
  EXPECT_EQ(q.at(0), 0);
}

TEST(Adaptive, KeepsTheScaleBetweenUpdatesUnlessItSaturates) {
  AdaptiveQuantizer quantizer("x", optionsFor(50));
  IntTensor q;
  // Values on the grid: no error, so the interval is the longest.
  std::vector<float> values(2000, 1.0F);
  ASSERT_TRUE(quantizer.quantize(tensorOf(values), passAt(0), q).ok());
  EXPECT_EQ(quantizer.nextUpdate(), 50);
  const float scale = q.scale();
  values.assign(2000, 1.5F);
  values[0] = 100;
  ASSERT_TRUE(quantizer.quantize(tensorOf(values), passAt(1), q).ok());
  EXPECT_EQ(q.scale(), scale);
  EXPECT_EQ(q.at(0), 127);
  EXPECT_EQ(quantizer.report().saturated, 1); // 0.05 %: still tolerated
  EXPECT_EQ(quantizer.nextUpdate(), 50);
  values.assign(2000, 100.0F);
  ASSERT_TRUE(quantizer.quantize(tensorOf(values), passAt(2), q).ok());
  EXPECT_EQ(quantizer.nextUpdate(), 3);
  ASSERT_TRUE(quantizer.quantize(tensorOf(values), passAt(3), q).ok());
  EXPECT_GT(q.scale(), scale);
  EXPECT_EQ(quantizer.report().updates, 2);
}

TEST(Adaptive, EvaluationChangesNothing) {
  AdaptiveQuantizer quantizer("x", optionsFor(1));
  IntTensor q;
  nn::StepContext evaluate = passAt(7);
  evaluate.mode = nn::Mode::Evaluate;
  ASSERT_TRUE(quantizer.quantize(hardTensor(), evaluate, q).ok());
  EXPECT_EQ(q.at(3), 127 * 256);
  EXPECT_EQ(quantizer.report().updates, 0);
  EXPECT_EQ(quantizer.report().quantized, 0);
}

TEST(Adaptive, RefusesNaNInAndBetweenUpdates) {
  AdaptiveQuantizer quantizer("conv1.gradient", optionsFor(50));
  IntTensor q;
  const nn::FloatTensor bad = tensorOf({1.0F, std::nanf("")});
  const Status first = quantizer.quantize(bad, passAt(0), q);
  ASSERT_FALSE(first.ok());
  EXPECT_NE(first.message().find("tensor 'conv1.gradient' holds values that "
                                 "are no numbers"),
            std::string::npos);
  ASSERT_TRUE(quantizer.quantize(tensorOf({1.0F, 1.0F}), passAt(1), q).ok());
  EXPECT_FALSE(quantizer.quantize(bad, passAt(2), q).ok());
}

} // namespace
} // namespace lpgen::quant
