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

namespace {
/// What TFLite's reference kernels make of values of 16 bits, from its
/// formulas.
class SixteenBits {
public:
  /// LOGISTIC with `fraction` 9, TANH with 8, of x in steps of 1/12288.
  static int64_t interpolated(int64_t steps, unsigned fraction) {
    const uint32_t size = static_cast<uint32_t>(std::abs(steps));
    const uint32_t place = size >> fraction;
    int64_t value = fraction == 9 ? 0x7FFF << 10 : 0xFFFF << 8;
    if (place < 255) {
      value =
          (entry(place) << fraction) +
          (size & ((1U << fraction) - 1)) * (entry(place + 1) - entry(place));
    }
    if (fraction == 9) {
      return (steps >= 0 ? value + 512 : (1 << 25) - value + 511) >> 10;
    }
    return (steps >= 0 ? value - (1 << 23) + 128 : (1 << 23) - value + 127) >>
           8;
  }

  /// Softmax of a row; `factor` * 2^-15 from a difference to steps of 10/65535.
  static Integers softmax(const Integers &x, int64_t factor) {
    const int64_t most = *std::ranges::max_element(x);
    Integers powers;
    int64_t total = 0;
    for (const int64_t value : x) {
      const int64_t scaled = ((value - most) * factor + (1 << 14)) >> 15;
      powers.push_back(
          looked(std::max<int64_t>(scaled + 32767, -32768),
                 [](float at) { return std::exp(-10 + at * 10); }));
      total += powers.back();
    }
    const int zeros = __builtin_clz(static_cast<uint32_t>(total));
    const int64_t shifted = ((total << (zeros - 1)) + (1 << 13)) >> 14;
    const int64_t inverse =
        looked(std::min<int64_t>(shifted - (1 << 15) - (1 << 16), 32767),
               [](float at) { return 1 / (1 + at); });
    const int drop = 31 - zeros;
    for (int64_t &value : powers) {
      value = std::clamp<int64_t>(
          (value * inverse + (int64_t{1} << (drop - 1))) >> drop, 0, 32767);
    }
    return powers;
  }

private:
  static int64_t entry(uint32_t i) {
    const auto at = [](double x) { return 65536 / (1 + std::exp(-x / 24)); };
    return i == 255 ? 65535
                    : std::llround(at(i) +
                                   (at(i + 0.5) - (at(i) + at(i + 1)) / 2) / 2);
  }
  /// `of` is a function of what is between 0 and 1.
  static int64_t looked(int64_t value, float (*of)(float)) {
    const auto tableEntry = [&](int64_t i) {
      const auto exact = [&](float place) { return of(place / 512) * 32768; };
      const auto at = static_cast<float>(i);
      const float first = std::round(exact(at));
      if (i == 512) {
        return std::min<int64_t>(int64_t(first), 32767);
      }
      const float middle = std::round((exact(at + 1) + first) / 2);
      const float bias =
          std::round((middle - std::round(exact(at + 0.5F))) / 2);
      return std::min<int64_t>(int64_t(first - bias), 32767);
    };
    const int64_t place = 256 + (value >> 7);
    const int64_t base = tableEntry(place);
    return base + (((tableEntry(place + 1) - base) * (value & 127) + 64) >> 7);
  }
};
} // namespace

/// Values in all places of a table, and both ends.
static Integers everySixteenBits() {
  Integers x;
  for (int64_t value = -32768; value < 32768; value += 61) {
    x.push_back(value);
  }
  x.insert(x.end(), {-1, 0, 1, 32767});
  return x;
}
static std::string unaryFile(int32_t code, const Shape &shape, float scale,
                             float resultScale = 1.0F / 32768) {
  return tfliteFile({activations("x", shape, scale, 0, int16Type),
                     activations("y", shape, resultScale, 0, int16Type)},
                    {{code, {0}, {1}, FlatTableWriter().number(0, 1.0F), ""}},
                    {0}, {1});
}

TEST(ImportTfliteFunctions, OfSixteenBits) {
  const Integers x = everySixteenBits();
  const Shape shape = {1, static_cast<int32_t>(x.size())};
  constexpr int32_t logistic = 14, tanh = 28;
  const auto expectFunction = [&](int32_t code, float scale, int64_t factor,
                                  unsigned shift) {
    Integers expected;
    for (const int64_t value : x) {
      const int64_t half = shift == 0 ? 0 : int64_t{1} << (shift - 1);
      expected.push_back(SixteenBits::interpolated(
          (value * factor + half) >> shift, code == logistic ? 9 : 8));
    }
    EXPECT_EQ(runImported(unaryFile(code, shape, scale), x), expected)
        << code << " of " << scale;
  };
  // A scale that is nearly a power of two is taken for it.
  expectFunction(logistic, 1.0F / 4096 * 1.0001F, 3, 0);
  expectFunction(tanh, 1.0F / 4096, 3, 0);
  expectFunction(tanh, 1.0F / 2048 * 1.0001F, 6, 0);
  // 0.001 * 12288 = 12.288, whose largest multiple by a power of two is
  // 25165.8; 2 * 12288 = 24576.
  expectFunction(logistic, 0.001F, 25165, 11);
  expectFunction(tanh, 0.001F, 25165, 11);
  expectFunction(logistic, 2, 24576, 0);
}

TEST(ImportTfliteFunctions, SoftmaxOfSixteenBits) {
  constexpr int32_t softmax = 25;
  constexpr float scale = 10.0F / 65535;
  const Integers x = everySixteenBits();
  EXPECT_EQ(runImported(unaryFile(softmax, {1, int32_t(x.size())}, scale), x),
            SixteenBits::softmax(x, 1 << 15));
  const Integers pixels = {5, -3000, 20000, 32767, 32767, -32768};
  Integers expected = SixteenBits::softmax({5, -3000, 20000}, 1 << 15);
  for (const int64_t value :
       SixteenBits::softmax({32767, 32767, -32768}, 1 << 15)) {
    expected.push_back(value);
  }
  EXPECT_EQ(runImported(unaryFile(softmax, {1, 1, 2, 3}, scale), pixels),
            expected);
  // A single one is all there is, but for what the tables miss.
  EXPECT_EQ(runImported(unaryFile(softmax, {1, 1}, scale), {-7}),
            SixteenBits::softmax({-7}, 1 << 15));
}

TEST(ImportTfliteFunctions, OfSixteenBitsThatTfliteRefuses) {
  const auto refusalOf = [](const std::string &file) {
    const Result<importer::Program> program = importText(file);
    return program.ok() && !program->report.isSupported()
               ? importer::describe(program->report.findings[0])
               : std::string();
  };
  for (const int32_t code : {14, 25, 28}) {
    EXPECT_THAT(refusalOf(unaryFile(code, {1, 4}, 1, 1.0F / 16384)),
                ::testing::HasSubstr("1/32768"));
  }
  EXPECT_THAT(refusalOf(unaryFile(28, {1, 4}, 3)),
              ::testing::HasSubstr("too large"));
  EXPECT_THAT(refusalOf(unaryFile(14, {1, 4}, 1e-14F)),
              ::testing::HasSubstr("too small"));
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
