// TFLite's operators without weights, and those on float, against values that
// the test computes by itself.
#include "tests/unit/TfliteRunning.h"
#include "tests/unit/TfliteTesting.h"
#include <cmath>
#include <gmock/gmock.h>

using namespace lpgen;
using namespace lpgen::testing;

/// One node of one input and one output of INT8, on [1, 4] values.
static std::string unaryFile(int32_t code, float scale, int64_t zero,
                             float resultScale, int64_t resultZero,
                             const FlatTableWriter &options = {}) {
  return tfliteFile({activations("x", {1, 4}, scale, zero),
                     activations("y", {1, 4}, resultScale, resultZero)},
                    {{code, {0}, {1}, options, ""}}, {0}, {1});
}

TEST(ImportTfliteOperators, FunctionsOfOneValue) {
  const Integers x = {-128, -3, 9, 127};
  const auto expectNear = [&](int32_t code, double (*function)(double),
                              int64_t most, const FlatTableWriter &options) {
    const Integers y =
        runImported(unaryFile(code, 0.05F, 4, 0.03125F, -7, options), x);
    ASSERT_EQ(y.size(), x.size());
    for (size_t i = 0; i < x.size(); ++i) {
      const double real = function(0.05 * double(x[i] - 4));
      const auto step =
          std::clamp<int64_t>(std::llround(real / 0.03125) - 7, -128, 127);
      EXPECT_NEAR(double(y[i]), double(step), double(most))
          << code << " of " << x[i];
    }
  };
  expectNear(14, [](double r) { return 1 / (1 + std::exp(-r)); }, 0, {});
  expectNear(28, [](double r) { return std::tanh(r); }, 0, {});
  expectNear(19, [](double r) { return std::max(r, 0.0); }, 0, {});
  expectNear(21, [](double r) { return std::clamp(r, 0.0, 6.0); }, 0, {});
  expectNear(20, [](double r) { return std::clamp(r, -1.0, 1.0); }, 0, {});
  expectNear(
      98, [](double r) { return r < 0 ? r * 0.25 : r; }, 0,
      FlatTableWriter().number(0, 0.25F));
  expectNear(114, [](double r) { return r; }, 0, {});
  // The reference kernel has 15 bits on the way.
  expectNear(117, [](double r) { return r * std::clamp(r + 3, 0.0, 6.0) / 6; },
             1, {});
}

TEST(ImportTfliteOperators, SumsDifferencesAndProducts) {
  const auto binaryFile = [](int32_t code, const Shape &shape) {
    return tfliteFile(
        {activations("x", {1, 2, 1, 2}, 0.5F, 3),
         constantOf<int8_t>("k", shape, int8Type, {10, -20}, {0.25F}, {1}),
         activations("y", {1, 2, 1, 2}, 1, 2)},
        {{code, {0, 1}, {2}, FlatTableWriter().number(0, int8_t{0}), ""}}, {0},
        {2});
  };
  const Integers x = {-1, 5, 7, 100};
  const Integers k = {10, -20, 10, -20};
  Integers sums;
  Integers differences;
  Integers products;
  for (size_t i = 0; i < x.size(); ++i) {
    const int64_t a = 2 * (x[i] - 3); // In quarters.
    const int64_t b = k[i] - 1;
    sums.push_back(requantized(a + b, 1, 4, 2));
    differences.push_back(requantized(a - b, 1, 4, 2));
    products.push_back(requantized((x[i] - 3) * b, 1, 8, 2));
  }
  EXPECT_EQ(runImported(binaryFile(0, {2}), x), sums);
  EXPECT_EQ(runImported(binaryFile(41, {1, 1, 1, 2}), x), differences);
  EXPECT_EQ(runImported(binaryFile(18, {2}), x), products);
}

TEST(ImportTfliteOperators, MeanOfRowsAndColumns) {
  for (const uint8_t keeps : {0, 1}) {
    const Shape shape = keeps != 0 ? Shape{1, 1, 1, 2} : Shape{1, 2};
    const std::string file = tfliteFile(
        {activations("x", {1, 3, 1, 2}, 0.5F, 4),
         constantOf<int32_t>("axes", {2}, int32Type, {1, 2}),
         activations("y", shape, 0.25F, -1)},
        {{40, {0, 1}, {2}, FlatTableWriter().number(0, keeps), ""}}, {0}, {2});
    // Sums of 10 - 12 + 2 = 7 - 12 and so on; twice a third of them.
    EXPECT_EQ(runImported(file, {10, -1, 2, 0, -5, 1}),
              (Integers{-3 - 1, -8 - 1}));
  }
}

// Axes can count from the end, and the end of a slice from its beginning.
TEST(ImportTfliteOperators, OtherWaysToCount) {
  const std::string mean =
      tfliteFile({activations("x", {1, 2, 2, 1}, 1, 0),
                  constantOf<int32_t>("axes", {2}, int32Type, {-2, -3}),
                  activations("y", {1, 1}, 1, 0)},
                 {{40, {0, 1}, {2}, {}, ""}}, {0}, {2});
  EXPECT_EQ(runImported(mean, {1, 2, 3, 6}), (Integers{3}));
  const auto cut = [](uint8_t isOffset) {
    return tfliteFile(
        {activations("x", {1, 6}, 1, 0),
         constantOf<int32_t>("b", {2}, int32Type, {0, 2}),
         constantOf<int32_t>("e", {2}, int32Type, {1, 3}),
         constantOf<int32_t>("s", {2}, int32Type, {1, 1}),
         activations("y", {1, isOffset != 0 ? 3 : 1}, 1, 0)},
        {{45, {0, 1, 2, 3}, {4}, FlatTableWriter().number(5, isOffset), ""}},
        {0}, {4});
  };
  EXPECT_EQ(runImported(cut(0), {1, 2, 3, 4, 5, 6}), (Integers{3}));
  EXPECT_EQ(runImported(cut(1), {1, 2, 3, 4, 5, 6}), (Integers{3, 4, 5}));
}

TEST(ImportTfliteOperators, Movement) {
  const Integers x = {1, 2, 3, 4, 5, 6, 7, 8};
  const auto image = [](const std::string &name, const Shape &shape) {
    return activations(name, shape, 1, -1);
  };
  const auto constant = [](const std::vector<int32_t> &values) {
    return constantOf<int32_t>("k", {int32_t(values.size())}, int32Type,
                               values);
  };
  const std::string transposed =
      tfliteFile({image("x", {1, 2, 2, 2}), constant({0, 2, 3, 1}),
                  image("y", {1, 2, 2, 2})},
                 {{39, {0, 1}, {2}, {}, ""}}, {0}, {2});
  EXPECT_EQ(runImported(transposed, x), (Integers{1, 5, 2, 6, 3, 7, 4, 8}));
  const std::string padded = tfliteFile(
      {image("x", {1, 2, 2, 2}),
       constantOf<int32_t>("k", {4, 2}, int32Type, {0, 0, 1, 0, 0, 1, 0, 0}),
       image("y", {1, 3, 3, 2})},
      {{34, {0, 1}, {2}, {}, ""}}, {0}, {2});
  EXPECT_EQ(runImported(padded, x), (Integers{-1, -1, -1, -1, -1, -1, 1, 2, 3,
                                              4, -1, -1, 5, 6, 7, 8, -1, -1}));
  const std::string resized = tfliteFile(
      {image("x", {1, 2, 2, 2}), constant({2, 4}), image("y", {1, 2, 4, 2})},
      {{97, {0, 1}, {2}, {}, ""}}, {0}, {2});
  EXPECT_EQ(runImported(resized, x),
            (Integers{1, 2, 1, 2, 3, 4, 3, 4, 5, 6, 5, 6, 7, 8, 7, 8}));
  const std::string sliced =
      tfliteFile({image("x", {1, 2, 2, 2}),
                  constantOf<int32_t>("b", {4}, int32Type, {0, 1, 0, 0}),
                  constantOf<int32_t>("e", {4}, int32Type, {1, 2, -1, 9}),
                  constantOf<int32_t>("s", {4}, int32Type, {1, 1, 1, 1}),
                  image("y", {1, 1, 2})},
                 {{45,
                   {0, 1, 2, 3},
                   {4},
                   FlatTableWriter()
                       .number(0, 0)
                       .number(1, 8)
                       .number(2, 0)
                       .number(3, 0)
                       .number(4, 2),
                   ""}},
                 {0}, {4});
  EXPECT_EQ(runImported(sliced, x), (Integers{5, 6}));
}

// Cut in two, and put together the other way round.
TEST(ImportTfliteOperators, SplitAndConcatenation) {
  const auto image = [](const std::string &name, const Shape &shape) {
    return activations(name, shape, 1, 0);
  };
  for (const int32_t axis : {1, 3}) {
    const Shape half = axis == 1 ? Shape{1, 1, 2, 2} : Shape{1, 2, 2, 1};
    const std::string file = tfliteFile(
        {image("x", {1, 2, 2, 2}),
         constantOf<int32_t>("axis", {1}, int32Type, {axis}), image("a", half),
         image("b", half), image("y", {1, 2, 2, 2})},
        {{49, {1, 0}, {2, 3}, FlatTableWriter().number(0, 2), ""},
         {2, {3, 2}, {4}, FlatTableWriter().number(0, axis - 4), ""}},
        {0}, {4});
    EXPECT_EQ(runImported(file, {1, 2, 3, 4, 5, 6, 7, 8}),
              axis == 1 ? (Integers{5, 6, 7, 8, 1, 2, 3, 4})
                        : (Integers{2, 1, 4, 3, 6, 5, 8, 7}));
  }
}

// Every value adds the filter at twice its place.
TEST(ImportTfliteOperators, TransposedConvolution) {
  const std::string file = tfliteFile(
      {activations("x", {1, 1, 2, 1}, 1, 2),
       constantOf<int32_t>("shape", {4}, int32Type, {1, 2, 4, 1}),
       constantOf<int8_t>("w", {1, 2, 2, 1}, int8Type, {1, 2, 3, 4}, {1.0F},
                          {0}),
       activations("y", {1, 2, 4, 1}, 1, 0)},
      {{67,
        {1, 2, 0},
        {3},
        FlatTableWriter().number(0, int8_t{1}).number(1, 2).number(2, 2),
        ""}},
      {0}, {3});
  EXPECT_EQ(runImported(file, {7, 12}),
            (Integers{5, 10, 10, 20, 15, 20, 30, 40}));
}

// SHAPE, STRIDED_SLICE and PACK that end in the shape of a RESHAPE.
TEST(ImportTfliteOperators, ShapesAreComputed) {
  const std::string file =
      tfliteFile({activations("x", {1, 4}, 1, 0),
                  {.name = "shape", .shape = {2}, .type = int32Type},
                  constantOf<int32_t>("0", {1}, int32Type, {0}),
                  constantOf<int32_t>("1", {1}, int32Type, {1}),
                  {.name = "n", .shape = {}, .type = int32Type},
                  constantOf<int32_t>("2", {1}, int32Type, {2}),
                  {.name = "packed", .shape = {3}, .type = int32Type},
                  activations("y", {1, 2, 2}, 1, 0)},
                 {{77, {0}, {1}, {}, ""},
                  {45, {1, 2, 3, 3}, {4}, FlatTableWriter().number(4, 1), ""},
                  {83, {4, 5, 5}, {6}, FlatTableWriter().number(0, 3), ""},
                  {22, {0, 6}, {7}, {}, ""}},
                 {0}, {7});
  EXPECT_EQ(runImported(file, {1, 2, 3, 4}), (Integers{1, 2, 3, 4}));
}

TEST(ImportTfliteOperators, IntegersAndReals) {
  constexpr int8_t floatType = 0;
  const TfliteTensorText real = {
      .name = "r", .shape = {1, 4}, .type = floatType};
  const std::string toReal =
      tfliteFile({activations("x", {1, 4}, 0.5F, 3), real},
                 {{6, {0}, {1}, {}, ""}}, {0}, {1});
  EXPECT_EQ(runImportedReals(toReal, {-128, 3, 4, 127}),
            (std::vector<double>{-65.5, 0, 0.5, 62}));
  const std::string toInteger =
      tfliteFile({real, activations("y", {1, 4}, 0.5F, 3)},
                 {{114, {0}, {1}, {}, ""}}, {0}, {1});
  // Ties go away from zero; what is beyond the type saturates.
  EXPECT_EQ(runImportedReals(toInteger, {0.25, -0.25, 0.24, 1e9}),
            (std::vector<double>{4, 2, 3, 127}));
}

TEST(ImportTfliteOperators, LayersOfReals) {
  constexpr int8_t floatType = 0, halfType = 1;
  const auto real = [](const std::string &name, const Shape &shape) {
    return TfliteTensorText{.name = name, .shape = shape, .type = floatType};
  };
  // Weights of 16 bits: 1, 2, -0.5, 0.25.
  const std::string file = tfliteFile(
      {real("x", {1, 2, 2, 1}),
       {.name = "half",
        .shape = {1, 2, 2, 1},
        .type = halfType,
        .data = bytesOf(std::vector<uint16_t>{0x3C00, 0x4000, 0xB800, 0x3400})},
       real("w", {1, 2, 2, 1}),
       constantOf<float>("b", {1}, floatType, {0.5F}),
       real("c", {1, 1, 1, 1}),
       constantOf<int8_t>("v", {2, 1}, int8Type, {10, -10}, {0.5F}, {0}),
       real("y", {1, 2})},
      {{6, {1}, {2}, {}, ""},
       {3,
        {0, 2, 3},
        {4},
        FlatTableWriter()
            .number(0, int8_t{1})
            .number(1, 1)
            .number(2, 1)
            .number(3, int8_t{1}),
        ""},
       {9, {4, 5}, {6}, FlatTableWriter().number(0, int8_t{0}), ""}},
      {0}, {6});
  EXPECT_EQ(runImportedReals(file, {3, 1, 2, 4}),
            (std::vector<double>{27.5, -27.5}));
  EXPECT_THAT(importText(file)->report.notes.back(),
              ::testing::HasSubstr("'v' are integers of a hybrid layer"));
}

// Larq Compute Engine: bits of channels in words, bit 1 for -1.
TEST(ImportTfliteOperators, BinaryConvolutions) {
  constexpr int8_t floatType = 0;
  const auto real = [](const std::string &name, const Shape &shape) {
    return TfliteTensorText{.name = name, .shape = shape, .type = floatType};
  };
  const auto words = [](const std::string &name, const Shape &shape) {
    return TfliteTensorText{.name = name, .shape = shape, .type = int32Type};
  };
  const std::string options = flexMap({{"channels_in", 2},
                                       {"dilation_height_factor", 1},
                                       {"dilation_width_factor", 1},
                                       {"fused_activation_function", 1},
                                       {"pad_values", 1},
                                       {"padding", 0},
                                       {"stride_height", 1},
                                       {"stride_width", 1}});
  const std::string more = flexMap({{"channels_in", 1},
                                    {"fused_activation_function", 0},
                                    {"pad_values", 0},
                                    {"padding", 1}});
  const std::string pool = flexMap({{"filter_height", 1},
                                    {"filter_width", 2},
                                    {"padding", 1},
                                    {"stride_height", 1},
                                    {"stride_width", 1}});
  // One output of two taps along the row: [1, -1] and [-1, -1].
  const std::string file =
      tfliteFile({real("x", {1, 1, 3, 2}), words("bits", {1, 1, 3, 1}),
                  constantOf<int32_t>("w", {1, 1, 2, 1}, int32Type, {2, 3}),
                  constantOf<int32_t>("t", {1}, int32Type, {2}),
                  words("a", {1, 1, 3, 1}), words("p", {1, 1, 2, 1}),
                  constantOf<int32_t>("v", {2, 1, 1, 1}, int32Type, {0, 1}),
                  constantOf<float>("g", {2}, floatType, {0.5F, 2}),
                  constantOf<float>("o", {2}, floatType, {0.25F, 1}),
                  real("y", {1, 1, 2, 2})},
                 {{32, {0}, {1}, {}, "LceQuantize"},
                  {32, {1, 2, -1, -1, 3}, {4}, {}, "LceBconv2d", options},
                  {32, {4}, {5}, {}, "LceBMaxPool2d", pool},
                  {32, {5, 6, 7, 8}, {9}, {}, "LceBconv2d", more}},
                 {0}, {9});
  // Signs 1 1, -1 1, -1 -1, and 1 1 after the row. The sums are
  // (1 - 1) + (1 - 1), (-1 - 1) + (1 + 1), (-1 + 1) + (-1 - 1) = 0, 0, -2;
  // from 4 - 2 * 2 on they give 1, and so do both windows of the pool.
  EXPECT_EQ(runImportedReals(file, {0, 3, -0.5, 1, -7, -2}),
            (std::vector<double>{0.75, -1, 0.75, -1}));
}
