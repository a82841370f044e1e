// ONNX's products of weights with scales of blocks and of channels, against
// values that the test computes by itself.
#include "tests/unit/OnnxTesting.h"
#include <cmath>
#include <gmock/gmock.h>

using namespace lpgen;
using namespace lpgen::importer;
using namespace lpgen::importer::testing;
using ::onnx::TensorProto;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;

static Attributes blockAttributes(int64_t inputs, int64_t outputs,
                                  int64_t accuracy) {
  return {{"K", inputs},
          {"N", outputs},
          {"bits", int64_t{4}},
          {"block_size", int64_t{2}},
          {"accuracy_level", accuracy}};
}

/// Two outputs of two blocks of two inputs, the last one cut off: weights 1, 9,
/// 15 and 8, 8, 7, less the zero points 1, 1, 2 and 8, 8, 0, or less 8.
static Net blocksOf(const Ints &shape) {
  Net net;
  net.input("x", shape).output("y");
  net.integers("w", TensorProto::UINT8, {2, 2, 1}, {0x91, 0x0F, 0x88, 0x07});
  net.floats("s", {4}, {0.5, 2, 1, 4});
  net.integers("z", TensorProto::UINT8, {2}, {0x21, 0x08});
  net.floats("b", {2}, {100, 200});
  return net;
}
static Net productOf(const std::vector<std::string> &inputs,
                     int64_t accuracy = 0, const Ints &shape = {1, 3}) {
  Net net = blocksOf(shape);
  net.node("MatMulNBits", inputs, {"y"}, blockAttributes(3, 2, accuracy),
           "com.microsoft");
  return net;
}
static std::string notesOf(const Net &net, const ImportOptions &options = {}) {
  const Result<Program> program = imported(net.bytes(), options);
  std::string text;
  for (const std::string &note : program->report.notes) {
    text += note + "\n";
  }
  for (const Finding &finding : program->report.findings) {
    text += describe(finding) + "\n";
  }
  return text;
}

TEST(ImportOnnxBlocks, Products) {
  EXPECT_THAT(computed(productOf({"x", "w", "s"}), {1, 2, 3}),
              ElementsAre(39.5, -12));
  EXPECT_THAT(computed(productOf({"x", "w", "s", "z", "", "b"}), {1, 2, 3}),
              ElementsAre(8 + 78 + 100, 84 + 200));
  EXPECT_THAT(notesOf(productOf({"x", "w", "s"})), HasSubstr("in binary32"));
}

TEST(ImportOnnxBlocks, InputsInAnotherOrder) {
  const auto ordered = [](const Ints &order) {
    Net net = blocksOf({1, 3});
    net.integers("g", TensorProto::INT32, {int64_t(order.size())}, order);
    net.node("MatMulNBits", {"x", "w", "s", "z", "g"}, {"y"},
             blockAttributes(3, 2, 4), "com.microsoft");
    return net;
  };
  // Blocks 1, 0, 1: (1 - 2) * 2 + 2 * (9 - 1) * 0.5 + 3 * (15 - 2) * 2, and
  // (8 - 0) * 4 + 2 * (8 - 8) + 3 * (7 - 0) * 4.
  EXPECT_THAT(computed(ordered({1, 0, 1}), {1, 2, 3}),
              ElementsAre(-2 + 8 + 78, 32 + 84));
  EXPECT_THAT(computed(ordered({1, 0, 1, 0}), {1, 2, 3}),
              ElementsAre(-2 + 8 + 78, 32 + 84));
  EXPECT_THAT(notesOf(ordered({1, 0, 1})), HasSubstr("g_idx"));
  // Those in order are nothing special.
  EXPECT_THAT(notesOf(ordered({0, 0, 1})), HasSubstr("quantized to 8 bits"));
  EXPECT_THAT(notesOf(ordered({0, 2, 1})),
              HasSubstr("'g_idx': it names a block that is not there"));
  EXPECT_THAT(notesOf(ordered({0, 1})),
              HasSubstr("one integer for each input"));
}

/// x in blocks of 2, in 8 bits.
static Numbers inBytes(Numbers x) {
  x.resize((x.size() + 1) / 2 * 2);
  for (size_t i = 0; i < x.size(); i += 2) {
    const float most = float(std::max(std::abs(x[i]), std::abs(x[i + 1])));
    const float inverse = most > 0 ? 127 / most : 0;
    for (size_t j = i; j < i + 2; ++j) {
      x[j] = std::nearbyint(float(x[j]) * inverse) * double(most / 127);
    }
  }
  return x;
}

TEST(ImportOnnxBlocks, InputsIn8BitsWhereTheNodeAllowsIt) {
  const Numbers rows = {1, 2, 3, 0, 0, -5, 0.7, -90.3, 4e-3};
  const auto expectRows = [&](const std::vector<std::string> &inputs,
                              const double (&weights)[2][3]) {
    const Numbers y = computed(productOf(inputs, 4, {1, 3, 3}), rows);
    ASSERT_EQ(y.size(), 6u);
    for (size_t row = 0; row < 3; ++row) {
      const Numbers x = inBytes({rows.begin() + int64_t(3 * row),
                                 rows.begin() + int64_t(3 * row + 3)});
      for (size_t o = 0; o < 2; ++o) {
        const double sum =
            x[0] * weights[o][0] + x[1] * weights[o][1] + x[2] * weights[o][2];
        EXPECT_NEAR(y[2 * row + o], sum, 1e-5 * std::abs(sum) + 1e-6);
      }
    }
  };
  expectRows({"x", "w", "s"}, {{-3.5, 0.5, 14}, {0, 0, -4}});
  expectRows({"x", "w", "s", "z"}, {{0, 4, 26}, {0, 0, 28}});
  const Net net = productOf({"x", "w", "s", "z"}, 4);
  EXPECT_THAT(notesOf(net), HasSubstr("8 bits in blocks of 2, as "
                                      "accuracy_level 4 allows"));
  EXPECT_EQ(imported(net.bytes())->report.layers.at(0).encoding, "u4 x s8");
  ImportOptions floats;
  floats.hasFloatActivations = true;
  EXPECT_THAT(notesOf(net, floats), HasSubstr("in binary32, not with x in 8"));
  EXPECT_THAT(computed(net, {1, 2, 3}, floats), ElementsAre(8 + 78, 84));
  EXPECT_THAT(notesOf(productOf({"x", "w", "s"}, 5)),
              HasSubstr("'accuracy_level': it is no number from 0 to 4"));
}

// Zero points that are no integers cannot be summed as such.
TEST(ImportOnnxBlocks, ZeroPointsThatAreNoIntegers) {
  Net net = blocksOf({1, 3});
  net.floats("zf", {2, 2}, {0.5, 2, 8, 0});
  net.node("MatMulNBits", {"x", "w", "s", "zf"}, {"y"},
           blockAttributes(3, 2, 4), "com.microsoft");
  EXPECT_THAT(computed(net, {1, 2, 3}), ElementsAre(0.25 + 8.5 + 78, 84));
  EXPECT_THAT(notesOf(net), HasSubstr("zero points forbid"));
}

TEST(ImportOnnxBlocks, OneInputAndOneOutput) {
  Net net;
  net.input("x", {2, 1}).output("y");
  net.integers("w", TensorProto::UINT8, {1, 1, 1}, {0x0B});
  net.floats("s", {1}, {2});
  Net bytes = net;
  net.node("MatMulNBits", {"x", "w", "s"}, {"y"}, blockAttributes(1, 1, 0),
           "com.microsoft");
  EXPECT_THAT(computed(net, {1, -2}), ElementsAre(6, -12));
  bytes.node("MatMulNBits", {"x", "w", "s"}, {"y"}, blockAttributes(1, 1, 4),
             "com.microsoft");
  EXPECT_THAT(computed(bytes, {1, -2}), ElementsAre(6, -12));
}

// Scales of the outputs of a group are those of each group; the sums are of
// integers.
TEST(ImportOnnxBlocks, TransposedConvolutionsInGroups) {
  const auto spread = [](int64_t axis, const Ints &scales) {
    Net net;
    net.input("x", {1, 2, 2}, TensorProto::INT8).output("y");
    net.floats("sx", {}, {0.5}).integers("zx", TensorProto::INT8, {}, {1});
    net.integers("w", TensorProto::INT8, {2, 2, 1}, {1, 2, 3, -4});
    net.floats("sw", {2}, {float(scales[0]), float(scales[1])});
    net.integers("zw", TensorProto::INT8, {2}, {0, 1});
    net.node("DequantizeLinear", {"x", "sx", "zx"}, {"xd"});
    net.node("DequantizeLinear", {"w", "sw", "zw"}, {"wd"}, {{"axis", axis}});
    net.node("ConvTranspose", {"xd", "wd"}, {"y"}, {{"group", int64_t{2}}});
    return net;
  };
  // x is 1, 2 and -0.5, 3. Weights 1 and (2 - 1) * 10; 3 and (-4 - 1) * 10.
  const Net ofOutputs = spread(1, {1, 10});
  EXPECT_THAT(computed(ofOutputs, {3, 5, 0, 7}),
              ElementsAre(1, 2, 10, 20, -1.5, 9, 25, -150));
  const Layer layer = imported(ofOutputs.bytes())->report.layers.at(0);
  EXPECT_EQ(layer.encoding, "s4 x s8");
  EXPECT_EQ(layer.scales, "channel");
  // Scales of inputs: weights 1 and 2; (3 - 1) * 10 and (-4 - 1) * 10.
  const Net ofInputs = spread(0, {1, 10});
  EXPECT_THAT(computed(ofInputs, {3, 5, 0, 7}),
              ElementsAre(1, 2, 2, 4, -10, 60, 25, -150));
  EXPECT_EQ(imported(ofInputs.bytes())->report.layers.at(0).scales, "");
}
