// TFLite files: the arithmetic of each operator against values that the test
// computes by itself, what is refused, and files that are damaged.
#include "tests/unit/TfliteRunning.h"
#include "tests/unit/TfliteTesting.h"
#include <gmock/gmock.h>

using namespace lpgen;
using namespace lpgen::testing;
using ::testing::HasSubstr;

namespace {

FlatTableWriter convOptions(int8_t padding, int32_t stride, int8_t activation,
                            int32_t dilation = 1) {
  return FlatTableWriter()
      .number(0, padding)
      .number(1, stride)
      .number(2, stride)
      .number(3, activation)
      .number(4, dilation)
      .number(5, dilation);
}

} // namespace

// 6 is 8 steps of 0.75.
TEST(ImportTflite, FullyConnectedPerTensor) {
  const std::vector<int8_t> w = {1, -2, 3, 127, -127, 5};
  const std::vector<int32_t> bias = {10, -20};
  const std::string file = tfliteFile(
      {activations("net/x", {1, 3}, 0.5F, 4),
       constantOf("net/w", {2, 3}, int8Type, w, {0.25F}, {0}),
       constantOf("net/b", {2}, int32Type, bias, {0.125F}, {0}),
       activations("net/fc/MatMul;net/b", {1, 2}, 0.75F, -7)},
      {{9, {0, 1, 2}, {3}, FlatTableWriter().number(0, relu6), ""}}, {0}, {3});
  const Integers x = {10, -3, 5, 4, 3, 7};
  Integers expected;
  for (int64_t n = 0; n < 2; ++n) {
    for (int64_t o = 0; o < 2; ++o) {
      int64_t acc = bias[size_t(o)];
      for (int64_t c = 0; c < 3; ++c) {
        acc += (x[size_t(3 * n + c)] - 4) * w[size_t(3 * o + c)];
      }
      // 1/6 as the multiplier has it, to 31 bits.
      expected.push_back(
          requantized(acc, 1431655765, int64_t{1} << 33, -7, -7, 1));
    }
  }
  EXPECT_EQ(runImported(file, x, 2), expected);
  const std::string text = importText(file)->text();
  EXPECT_THAT(text, HasSubstr("include \"tflite.lp\""));
  EXPECT_THAT(text, HasSubstr("// FULLY_CONNECTED 'net/fc/MatMul;net/b'"));
  EXPECT_THAT(
      text,
      HasSubstr("fc_MatMul = tflite_linear<ZY = -7, LO = -7, HI = 1>(x, "));
}

// One scale for each output, none of them a power of two; no bias; ReLU.
TEST(ImportTflite, FullyConnectedPerChannel) {
  const std::vector<int8_t> w = someBytes(32);
  const std::string file = tfliteFile(
      {activations("x", {1, 8}, 1, 0),
       constantOf("w", {4, 8}, int8Type, w, {0.5F, 0.25F, 0.125F, 0.0625F},
                  {0, 0, 0, 0}),
       activations("y", {1, 4}, 3, -128)},
      {{9, {0, 1, -1}, {2}, FlatTableWriter().number(0, relu), ""}}, {0}, {2});
  const Integers x = widened(someBytes(8, 5));
  Integers expected;
  for (int64_t o = 0; o < 4; ++o) {
    int64_t acc = 0;
    for (int64_t c = 0; c < 8; ++c) {
      acc += x[size_t(c)] * w[size_t(8 * o + c)];
    }
    // 1/3 as the multiplier has it, to 31 bits.
    const int64_t third = 1431655765;
    expected.push_back(requantized(acc, third, (int64_t{1} << 33) << o, -128));
  }
  EXPECT_EQ(runImported(file, x), expected);
}

/// Convolution by the definition; w is [O, K, K, C].
static Integers convolved(const Integers &x, int64_t size, int64_t channels,
                          const Integers &w, int64_t outputs, int64_t taps,
                          int64_t zero, int64_t stride, int64_t before,
                          int64_t results, int64_t dilation = 1) {
  Integers sums;
  for (int64_t h = 0; h < results; ++h) {
    for (int64_t v = 0; v < results; ++v) {
      for (int64_t o = 0; o < outputs; ++o) {
        int64_t acc = 0;
        for (int64_t r = 0; r < taps; ++r) {
          for (int64_t s = 0; s < taps; ++s) {
            const int64_t row = stride * h + dilation * r - before;
            const int64_t column = stride * v + dilation * s - before;
            const bool isInside =
                row >= 0 && row < size && column >= 0 && column < size;
            for (int64_t c = 0; c < channels && isInside; ++c) {
              acc += (x[size_t((row * size + column) * channels + c)] - zero) *
                     w[size_t(((o * taps + r) * taps + s) * channels + c)];
            }
          }
        }
        sums.push_back(acc);
      }
    }
  }
  return sums;
}

// An even size and stride 2: nothing before the image, one row after it.
TEST(ImportTflite, ConvolutionWithPaddingAtTheEnd) {
  const std::vector<int8_t> w = someBytes(54);
  const Integers x = widened(someBytes(48, 9));
  const std::string file = tfliteFile(
      {activations("x", {1, 4, 4, 3}, 1, -5),
       constantOf("w", {2, 3, 3, 3}, int8Type, w, {0.5F, 0.25F}, {0, 0}),
       activations("y", {1, 2, 2, 2}, 64, 3)},
      {{3, {0, 1}, {2}, convOptions(same, 2, relu), ""}}, {0}, {2});
  Integers expected = convolved(x, 4, 3, widened(w), 2, 3, -5, 2, 0, 2);
  for (size_t i = 0; i < expected.size(); ++i) {
    expected[i] = requantized(expected[i], 1, i % 2 == 0 ? 128 : 256, 3, 3);
  }
  EXPECT_EQ(runImported(file, x), expected);
}

TEST(ImportTflite, ConvolutionWithDilation) {
  const std::vector<int8_t> w = someBytes(18);
  const Integers x = widened(someBytes(98, 9));
  const std::string file =
      tfliteFile({activations("x", {1, 7, 7, 2}, 1, 11),
                  constantOf("w", {1, 3, 3, 2}, int8Type, w, {0.25F}, {0}),
                  activations("y", {1, 3, 3, 1}, 32, 0)},
                 {{3, {0, 1}, {2}, convOptions(valid, 1, 0, 2), ""}}, {0}, {2});
  Integers expected = convolved(x, 7, 2, widened(w), 1, 3, 11, 1, 0, 3, 2);
  for (int64_t &value : expected) {
    value = requantized(value, 1, 128, 0);
  }
  EXPECT_EQ(runImported(file, x), expected);
}

// Weights [1, K, K, M] on one channel, as in networks of speech.
TEST(ImportTflite, DepthwiseWithMultiplier) {
  const std::vector<int8_t> w = someBytes(12);
  const Integers x = widened(someBytes(9, 9));
  const std::string file = tfliteFile(
      {activations("x", {1, 3, 3, 1}, 1, 7),
       constantOf("w", {1, 2, 2, 3}, int8Type, w, {0.25F}, {0}),
       activations("y", {1, 2, 2, 3}, 8, 0)},
      {{4,
        {0, 1},
        {2},
        FlatTableWriter().number(0, valid).number(1, 1).number(2, 1).number(3,
                                                                            3),
        ""}},
      {0}, {2});
  Integers filters;
  for (size_t m = 0; m < 3; ++m) {
    for (size_t tap = 0; tap < 4; ++tap) {
      filters.push_back(w[tap * 3 + m]);
    }
  }
  Integers expected = convolved(x, 3, 1, filters, 3, 2, 7, 1, 0, 2);
  for (int64_t &value : expected) {
    value = requantized(value, 1, 32, 0);
  }
  EXPECT_EQ(runImported(file, x), expected);
}

TEST(ImportTflite, Depthwise) {
  const std::vector<int8_t> w = someBytes(18);
  const Integers x = widened(someBytes(18, 9));
  const std::string file = tfliteFile(
      {activations("x", {1, 3, 3, 2}, 1, -128),
       constantOf("w", {1, 3, 3, 2}, int8Type, w, {0.25F}, {0}),
       activations("y", {1, 3, 3, 2}, 8, -1)},
      {{4,
        {0, 1},
        {2},
        FlatTableWriter().number(0, same).number(1, 1).number(2, 1).number(3,
                                                                           1),
        ""}},
      {0}, {2});
  Integers expected(18);
  for (size_t c = 0; c < 2; ++c) {
    Integers plane;
    Integers filter;
    for (size_t i = 0; i < 9; ++i) {
      plane.push_back(x[i * 2 + c]);
      filter.push_back(w[i * 2 + c]);
    }
    const Integers sums = convolved(plane, 3, 1, filter, 1, 3, -128, 1, 1, 3);
    for (size_t i = 0; i < 9; ++i) {
      expected[i * 2 + c] = requantized(sums[i], 1, 32, -1);
    }
  }
  EXPECT_EQ(runImported(file, x), expected);
}

// Older files: values without sign, weights with a zero point.
TEST(ImportTflite, ValuesWithoutSign) {
  const std::vector<uint8_t> w = {0, 255, 7, 100};
  const std::string file = tfliteFile(
      {activations("x", {1, 2}, 1, 3, uint8Type),
       constantOf("w", {2, 2}, uint8Type, w, {0.5F}, {90}),
       activations("y", {1, 2}, 4, 250, uint8Type)},
      {{9, {0, 1}, {2}, FlatTableWriter().number(0, relu), ""}}, {0}, {2});
  const Integers x = {0, 255};
  Integers expected;
  for (size_t o = 0; o < 2; ++o) {
    const int64_t acc =
        (x[0] - 3) * (w[2 * o] - 90) + (x[1] - 3) * (w[2 * o + 1] - 90);
    expected.push_back(requantized(acc, 1, 8, 250, 250, 255));
  }
  EXPECT_EQ(runImported(file, x), expected);
}

// Activations of 16 bits: a bias of 64 bits, multipliers of 15.
TEST(ImportTflite, SixteenBitActivations) {
  const std::vector<int8_t> w = {127, 127, -127, 5};
  const std::vector<int64_t> bias = {100000, -7};
  const std::string file = tfliteFile(
      {activations("x", {1, 2}, 1, 0, int16Type),
       constantOf("w", {2, 2}, int8Type, w, {0.75F}, {0}),
       constantOf("b", {2}, int64Type, bias),
       activations("y", {1, 2}, 512, 0, int16Type)},
      {{9, {0, 1, 2}, {3}, FlatTableWriter().number(0, int8_t{0}), ""}}, {0},
      {3});
  const Integers x = {32767, 32767};
  Integers expected;
  for (size_t o = 0; o < 2; ++o) {
    const int64_t acc = bias[o] + x[0] * w[2 * o] + x[1] * w[2 * o + 1];
    expected.push_back(requantized(acc, 3, 2048, 0, -32768, 32767));
  }
  EXPECT_EQ(runImported(file, x), expected);
}

// Two weights in a byte, the first one in the lower bits, two's complement.
TEST(ImportTflite, FourBitWeights) {
  const std::string file = tfliteFile(
      {activations("x", {1, 3}, 1, 0),
       constantOf("w", {1, 3}, int4Type, std::vector<uint8_t>{0x7F, 0x08},
                  {1.0F}, {0}),
       activations("y", {1, 1}, 1, 0)},
      {{9, {0, 1}, {2}, FlatTableWriter().number(0, int8_t{0}), ""}}, {0}, {2});
  EXPECT_EQ(runImported(file, {3, 5, 7}), Integers{-3 + 35 - 56});
  EXPECT_EQ(importText(file)->report.layers[0].declaredWeightBits, 4U);
}

TEST(ImportTflite, AddOnACommonScale) {
  const std::string file = tfliteFile(
      {activations("x", {1, 1, 1, 4}, 0.5F, 3),
       activations("y", {1, 1, 1, 4}, 2, -1)},
      {{0, {0, 0}, {1}, FlatTableWriter().number(0, int8_t{0}), ""}}, {0}, {1});
  Integers expected;
  const Integers x = {-128, 4, 5, 127};
  for (const int64_t value : x) {
    expected.push_back(requantized(2 * (value - 3), 1, 4, -1));
  }
  EXPECT_EQ(runImported(file, x), expected);
}

// The mean is rounded away from zero where two are equally near.
TEST(ImportTflite, Pools) {
  const auto poolFile = [](int32_t code, int8_t type = int8Type) {
    return tfliteFile({activations("x", {1, 2, 2, 2}, 0.5F, 3, type),
                       activations("y", {1, 1, 1, 2}, 0.5F, 3, type)},
                      {{code,
                        {0},
                        {1},
                        FlatTableWriter()
                            .number(0, valid)
                            .number(1, 2)
                            .number(2, 2)
                            .number(3, 2)
                            .number(4, 2),
                        ""}},
                      {0}, {1});
  };
  const Integers x = {-1, 1, -2, 2, -2, 2, -1, 1};
  EXPECT_EQ(runImported(poolFile(1), x), (Integers{-2, 2}));
  EXPECT_EQ(runImported(poolFile(17), x), (Integers{-1, 2}));
  EXPECT_EQ(runImported(poolFile(1, uint8Type), {9, 0, 9, 0, 10, 1, 10, 1}),
            (Integers{10, 1}));
}

TEST(ImportTflite, Softmax) {
  const std::string file = tfliteFile(
      {activations("x", {1, 3}, 0.1F, 5),
       activations("y", {1, 3}, 1.0F / 256, -128)},
      {{25, {0}, {1}, FlatTableWriter().number(0, 1.0F), ""}}, {0}, {1});
  const Integers x = {10, -20, 127};
  double total = 0;
  for (const int64_t value : x) {
    total += std::exp(0.1 * double(value));
  }
  Integers expected;
  for (const int64_t value : x) {
    expected.push_back(std::min<int64_t>(
        std::llround(256 * std::exp(0.1 * double(value)) / total) - 128, 127));
  }
  EXPECT_EQ(runImported(file, x), expected);
}

// Cut into rows and columns, and taken together by the fully connected layer.
TEST(ImportTflite, Reshape) {
  const std::vector<int8_t> w = {1, 2, 3, 4, 5, 6, 7, 8};
  const std::string file =
      tfliteFile({activations("x", {1, 8}, 1, 0),
                  constantOf<int32_t>("shape", {4}, int32Type, {-1, 2, 2, 2}),
                  activations("image", {1, 2, 2, 2}, 1, 0),
                  activations("most", {1, 2, 2, 2}, 1, 0),
                  activations("flat", {1, 8}, 1, 0),
                  constantOf("w", {1, 8}, int8Type, w, {1.0F}, {0}),
                  activations("y", {1, 1}, 1, 0)},
                 {{22, {0, 1}, {2}, FlatTableWriter(), ""},
                  {17,
                   {2},
                   {3},
                   FlatTableWriter()
                       .number(0, valid)
                       .number(1, 1)
                       .number(2, 1)
                       .number(3, 1)
                       .number(4, 1),
                   ""},
                  {22,
                   {3},
                   {4},
                   FlatTableWriter().numbers(0, std::vector<int32_t>{1, 8}),
                   ""},
                  {9, {4, 5}, {6}, FlatTableWriter().number(0, int8_t{0}), ""}},
                 {0}, {6});
  EXPECT_EQ(runImported(file, {1, 0, 2, 0, -3, 0, 1, 1}),
            Integers{1 + 6 - 15 + 7 + 8});
}

static std::vector<std::string> findingsOf(const std::string &file) {
  const Result<importer::Program> program = importText(file);
  std::vector<std::string> texts;
  if (program.ok()) {
    for (const importer::Finding &finding : program->report.findings) {
      texts.push_back(importer::describe(finding));
    }
  } else {
    texts.push_back(program.message());
  }
  return texts;
}

// All that is not supported is listed at once, and what depends on it is not.
TEST(ImportTflite, RefusesByNodeAndOperator) {
  const std::string file = tfliteFile(
      {activations("x", {1, 4, 8}, 1, 0), activations("lstm", {1, 4, 8}, 1, 0),
       activations("flat", {1, 32}, 1, 0),
       activations("sign", {1, 4, 8}, 1, 0)},
      {{44, {0}, {1}, FlatTableWriter(), ""},
       {22, {1}, {2}, FlatTableWriter(), ""},
       {32, {0}, {3}, FlatTableWriter(), "Bsign"}},
      {0}, {2, 3});
  EXPECT_THAT(
      findingsOf(file),
      ::testing::ElementsAre(
          HasSubstr("node 'lstm' (UNIDIRECTIONAL_SEQUENCE_LSTM): this "
                    "operator is not supported"),
          HasSubstr("node 'sign' (Bsign): this operator is not supported")));
}

TEST(ImportTflite, RefusesWhatDoesNotFit) {
  const auto linear = [](const Shape &weights, float scale, int8_t activation) {
    const size_t count = size_t(weights[0]) * size_t(weights[1]);
    return findingsOf(tfliteFile(
        {activations("x", {1, 3}, 1, 0),
         constantOf("w", weights, int8Type, std::vector<int8_t>(count, 1),
                    {1.0F}, {0}),
         activations("y", {1, 2}, scale, 0)},
        {{9, {0, 1}, {2}, FlatTableWriter().number(0, activation), ""}}, {0},
        {2}));
  };
  EXPECT_THAT(linear({2, 4}, 1, 0),
              ::testing::ElementsAre(HasSubstr(
                  "'weights': weights [2, 4] do not fit an input [1, 3]")));
  EXPECT_THAT(linear({2, 3}, 0, 0),
              ::testing::ElementsAre(HasSubstr("'quantization': its input and "
                                               "its output need one scale")));
  EXPECT_THAT(linear({2, 3}, 1, 4),
              ::testing::ElementsAre(
                  HasSubstr("'fused_activation_function': activation 4 is not "
                            "supported; make it an operator of its own")));
}

TEST(ImportTflite, RefusesSumsBeyond32BitsAndManyInputs) {
  const auto linear = [](int32_t bias) {
    constexpr int32_t count = 1 << 17; // Times 128 * 127 almost 2^31.
    return findingsOf(tfliteFile(
        {activations("x", {1, count}, 1, 0),
         constantOf("w", {1, count}, int8Type, std::vector<int8_t>(count, 127),
                    {1.0F}, {0}),
         constantOf("b", {1}, int32Type, std::vector<int32_t>{bias}),
         activations("y", {1, 1}, 1, 0)},
        {{9, {0, 1, 2}, {3}, FlatTableWriter().number(0, int8_t{0}), ""}}, {0},
        {3}));
  };
  EXPECT_THAT(linear(1 << 20), ::testing::ElementsAre());
  EXPECT_THAT(linear(-(1 << 25)),
              ::testing::ElementsAre(HasSubstr(
                  "'weights': sums of their products are beyond 32 bits")));
  EXPECT_THAT(
      findingsOf(tfliteFile(
          {activations("x", {1, 2}, 1, 0), activations("y", {1, 258}, 1, 0)},
          {{2,
            std::vector<int32_t>(129, 0),
            {1},
            FlatTableWriter().number(0, 1),
            ""}},
          {0}, {1})),
      ::testing::ElementsAre(HasSubstr("it has 129 inputs, at most 128")));
  EXPECT_THAT(
      findingsOf(tfliteFile(
          {activations("x", {1, 2}, 1, 0), activations("y", {1, 2}, 1, 0)},
          {{32, {0}, {1}, {}, "a\x1b[1m\n"}}, {0}, {1})),
      ::testing::ElementsAre(HasSubstr("(a?[1m?): this operator")));
}

TEST(ImportTflite, RefusesZeroPointsBeyondTheirType) {
  const auto relu6Of = [](int64_t zero) {
    return findingsOf(tfliteFile(
        {activations("x", {1, 2}, 1, zero), activations("y", {1, 2}, 1, 0)},
        {{21, {0}, {1}, {}, ""}}, {0}, {1}));
  };
  EXPECT_THAT(relu6Of(200), ::testing::ElementsAre(HasSubstr(
                                "node 'y' (RELU6): the zero point of its input "
                                "is no value of its type")));
  EXPECT_THAT(
      relu6Of(int64_t{1} << 40),
      ::testing::ElementsAre("tensor 'x' has a zero point beyond 32 bits"));
}

TEST(ImportTflite, RefusesFilesOfAnotherKind) {
  EXPECT_THAT(findingsOf(""), ::testing::ElementsAre(HasSubstr("no TFLite")));
  EXPECT_THAT(findingsOf(FlatTableWriter().file("TFL2")),
              ::testing::ElementsAre(HasSubstr("no TFLite")));
  EXPECT_THAT(findingsOf(FlatTableWriter().file()),
              ::testing::ElementsAre("it has no graph"));
  EXPECT_THAT(
      findingsOf(tfliteFile({{.name = "w", .shape = {3}, .data = "ab"}}, {},
                            {0}, {0})),
      ::testing::ElementsAre("tensor 'w' has 2 bytes of data, but its shape "
                             "and type need 3"));
  EXPECT_THAT(
      findingsOf(tfliteFile({activations("x", {1, 2}, 1, 0)}, {}, {0}, {7})),
      ::testing::ElementsAre("the graph names tensor 7 of 1"));
}

// No byte of a file is trusted: cut and changed ones end in a message or in a
// program, never outside the file. (The fuzzer does the same for longer.)
TEST(ImportTflite, SurvivesDamage) {
  const std::string file = tfliteFile(
      {activations("x", {1, 3}, 1, 0),
       constantOf("w", {2, 3}, int8Type, std::vector<int8_t>(6, 1), {1.0F},
                  {0}),
       activations("y", {1, 2}, 1, 0)},
      {{9, {0, 1}, {2}, FlatTableWriter().number(0, int8_t{0}), ""}}, {0}, {2});
  for (size_t size = 0; size < file.size(); ++size) {
    // Copied, so that a sanitizer sees what is read beyond the end.
    (void)importText(std::string(file.begin(), file.begin() + ptrdiff_t(size)));
  }
  for (size_t at = 0; at < file.size(); ++at) {
    for (const char value : {'\0', '\x7f', '\xff'}) {
      std::string changed = file;
      changed[at] = value;
      (void)importText(changed);
    }
  }
}
