// TFLite's operators on FLOAT32 and INT16, windows beyond the image, groups and
// choices, against values that the test computes by itself.
#include "tests/unit/TfliteRunning.h"
#include "tests/unit/TfliteTesting.h"
#include <cmath>
#include <gmock/gmock.h>

using namespace lpgen;
using namespace lpgen::testing;
using Reals = std::vector<double>;

constexpr int8_t floatType = 0;

static TfliteTensorText real(const std::string &name, const Shape &shape) {
  return {.name = name, .shape = shape, .type = floatType};
}

TEST(ImportTfliteFunctions, OfReals) {
  const Reals x = {-3, -0.5, 0, 2};
  const auto expectNear = [&](int32_t code, double (*function)(double),
                              const FlatTableWriter &options = {}) {
    const Reals y =
        runImportedReals(tfliteFile({real("x", {1, 4}), real("y", {1, 4})},
                                    {{code, {0}, {1}, options, ""}}, {0}, {1}),
                         x);
    ASSERT_EQ(y.size(), x.size());
    for (size_t i = 0; i < x.size(); ++i) {
      EXPECT_NEAR(y[i], function(x[i]), 1e-6) << code << " of " << x[i];
    }
  };
  expectNear(14, [](double r) { return 1 / (1 + std::exp(-r)); });
  expectNear(28, [](double r) { return std::tanh(r); });
  expectNear(
      98, [](double r) { return r < 0 ? r * 0.25 : r; },
      FlatTableWriter().number(0, 0.25F));
}

TEST(ImportTfliteFunctions, SoftmaxOfReals) {
  const std::string file = tfliteFile(
      {real("x", {1, 2, 2}), real("y", {1, 2, 2})},
      {{25, {0}, {1}, FlatTableWriter().number(0, 2.0F), ""}}, {0}, {1});
  const Reals y = runImportedReals(file, {1000, 999.5, -1, -1});
  const double part = 1 / (1 + std::exp(-1));
  EXPECT_THAT(y, ::testing::ElementsAre(::testing::DoubleNear(part, 1e-6),
                                        ::testing::DoubleNear(1 - part, 1e-6),
                                        0.5, 0.5));
}

TEST(ImportTfliteFunctions, SoftmaxOfPixels) {
  const std::string file = tfliteFile(
      {activations("x", {1, 1, 2, 2}, 1, 0),
       activations("y", {1, 1, 2, 2}, 1.0F / 256, -128)},
      {{25, {0}, {1}, FlatTableWriter().number(0, 1.0F), ""}}, {0}, {1});
  // 1 / (1 + e) is 68.8 of 256.
  EXPECT_EQ(runImported(file, {4, 5, 9, 9}), (Integers{-59, 59, 0, 0}));
}

TEST(ImportTfliteFunctions, PlaceOfTheGreatest) {
  const auto placeOf = [](int8_t type, int32_t axis, const Shape &shape,
                          const Reals &x) {
    return runImportedReals(
        tfliteFile({{.name = "x", .shape = {1, 2, 2}, .type = type},
                    constantOf<int32_t>("axis", {1}, int32Type, {axis}),
                    {.name = "y", .shape = shape, .type = int32Type}},
                   {{56, {0, 1}, {2}, {}, ""}}, {0}, {2}),
        x);
  };
  EXPECT_EQ(placeOf(int8Type, -1, {1, 2}, {1, 7, 4, 4}), (Reals{1, 0}));
  EXPECT_EQ(placeOf(floatType, 1, {1, 2}, {1, 7, 0.5, 7.5}), (Reals{0, 1}));
}

TEST(ImportTfliteFunctions, PaddedWithAValue) {
  const auto paddedBy = [](int8_t type, const TfliteTensorText &value,
                           const Reals &x) {
    return runImportedReals(
        tfliteFile({{.name = "x",
                     .shape = {1, 1, 2, 1},
                     .type = type,
                     .scales = {1},
                     .zeroPoints = {0}},
                    constantOf<int32_t>("k", {4, 2}, int32Type,
                                        {0, 0, 0, 1, 1, 0, 0, 0}),
                    value,
                    {.name = "y",
                     .shape = {1, 2, 3, 1},
                     .type = type,
                     .scales = {1},
                     .zeroPoints = {0}}},
                   {{60, {0, 1, 2}, {3}, {}, ""}}, {0}, {3}),
        x);
  };
  EXPECT_EQ(
      paddedBy(int8Type, constantOf<int8_t>("v", {1}, int8Type, {-9}), {3, 4}),
      (Reals{-9, 3, 4, -9, -9, -9}));
  EXPECT_EQ(paddedBy(uint8Type, constantOf<uint8_t>("v", {1}, uint8Type, {200}),
                     {3, 4}),
            (Reals{200, 3, 4, 200, 200, 200}));
  EXPECT_EQ(paddedBy(floatType, constantOf<float>("v", {1}, floatType, {-0.5F}),
                     {3, 4}),
            (Reals{-0.5, 3, 4, -0.5, -0.5, -0.5}));
}

TEST(ImportTfliteFunctions, RealsAreJoinedAndEnlarged) {
  const std::string file =
      tfliteFile({real("x", {1, 1, 2, 1}),
                  constantOf<int32_t>("size", {2}, int32Type, {2, 4}),
                  real("a", {1, 2, 4, 1}), real("y", {1, 2, 4, 2})},
                 {{97, {0, 1}, {2}, {}, ""},
                  {2, {2, 2}, {3}, FlatTableWriter().number(0, 3), ""}},
                 {0}, {3});
  EXPECT_EQ(
      runImportedReals(file, {0.5, 3}),
      (Reals{0.5, 0.5, 0.5, 0.5, 3, 3, 3, 3, 0.5, 0.5, 0.5, 0.5, 3, 3, 3, 3}));
}

// Only what is inside counts; ties go away from zero.
TEST(ImportTfliteFunctions, MeansOfWindowsBeyondTheImage) {
  const auto poolFile = [](const TfliteTensorText &x,
                           const TfliteTensorText &y) {
    return tfliteFile({x, y},
                      {{1,
                        {0},
                        {1},
                        FlatTableWriter()
                            .number(0, same)
                            .number(1, 2)
                            .number(2, 2)
                            .number(3, 2)
                            .number(4, 2),
                        ""}},
                      {0}, {1});
  };
  const auto integers = [&](int8_t type) {
    return poolFile(activations("x", {1, 3, 3, 1}, 1, 0, type),
                    activations("y", {1, 2, 2, 1}, 1, 0, type));
  };
  EXPECT_EQ(runImported(integers(int8Type), {1, 2, -4, 4, 3, -5, 7, 8, -128}),
            (Integers{3, -5, 8, -128}));
  EXPECT_EQ(runImported(integers(uint8Type), {1, 2, 4, 4, 3, 5, 7, 8, 255}),
            (Integers{3, 5, 8, 255}));
  EXPECT_EQ(runImportedReals(
                poolFile(real("x", {1, 3, 3, 1}), real("y", {1, 2, 2, 1})),
                {1, 2, -4, 4, 3, -5, 7, 8, -9}),
            (Reals{2.5, -4.5, 7.5, -9}));
}

TEST(ImportTfliteFunctions, SixteenBitSumsAndProducts) {
  const auto binaryFile = [](int32_t code) {
    return tfliteFile(
        {activations("x", {1, 4}, 0.5F, 0, int16Type),
         constantOf<int16_t>("k", {4}, int16Type, {10000, -20000, 3, -32768},
                             {0.25F}, {0}),
         activations("y", {1, 4}, code == 18 ? 4096.0F : 1.0F, 0, int16Type)},
        {{code, {0, 1}, {2}, FlatTableWriter().number(0, int8_t{0}), ""}}, {0},
        {2});
  };
  const Integers x = {-32768, 32767, 5, -32768};
  const Integers k = {10000, -20000, 3, -32768};
  Integers sums;
  Integers products;
  for (size_t i = 0; i < x.size(); ++i) {
    sums.push_back(requantized(2 * x[i] + k[i], 1, 4, 0, -32768, 32767));
    products.push_back(requantized(x[i] * k[i], 1, 32768, 0, -32768, 32767));
  }
  EXPECT_EQ(runImported(binaryFile(0), x), sums);
  EXPECT_EQ(runImported(binaryFile(18), x), products);
}

// Two groups of two channels and one output each.
TEST(ImportTfliteFunctions, ConvolutionsInGroups) {
  const FlatTableWriter options = FlatTableWriter()
                                      .number(0, valid)
                                      .number(1, 1)
                                      .number(2, 1)
                                      .number(3, int8_t{0})
                                      .number(4, 1)
                                      .number(5, 1);
  const std::vector<int8_t> weights = {1, 2, 3, 4, 5, 6, -7, 8};
  const Integers x = {1, 2, 3, 4, -1, 5, 2, -2};
  // [o] of each pixel: channels 0 and 1 for the first half of the outputs.
  Integers expected;
  for (size_t pixel = 0; pixel < 2; ++pixel) {
    for (size_t o = 0; o < 4; ++o) {
      const size_t first = 4 * pixel + o / 2 * 2;
      expected.push_back(weights[2 * o] * x[first] +
                         weights[2 * o + 1] * x[first + 1]);
    }
  }
  const std::string file =
      tfliteFile({activations("x", {1, 1, 2, 4}, 1, 0),
                  constantOf("w", {4, 1, 1, 2}, int8Type, weights,
                             {1, 2, 1, 0.5F}, {0, 0, 0, 0}),
                  activations("y", {1, 1, 2, 4}, 1, 0)},
                 {{3, {0, 1}, {2}, options, ""}}, {0}, {2});
  Integers scaled = expected;
  for (size_t i = 0; i < scaled.size(); ++i) {
    const Integers halves = {2, 4, 2, 1};
    scaled[i] = requantized(scaled[i], halves[i % 4], 2, 0);
  }
  EXPECT_EQ(runImported(file, x), scaled);
  const std::string reals =
      tfliteFile({real("x", {1, 1, 2, 4}),
                  constantOf<float>("w", {4, 1, 1, 2}, floatType,
                                    {weights.begin(), weights.end()}),
                  real("y", {1, 1, 2, 4})},
                 {{3, {0, 1}, {2}, options, ""}}, {0}, {2});
  EXPECT_EQ(runImportedReals(reals, {x.begin(), x.end()}),
            Reals(expected.begin(), expected.end()));
}
