// ONNX's products of two activations, elements that are read several times and
// choices by conditions, against values that the test computes by itself.
#include "tests/unit/OnnxTesting.h"
#include <cmath>
#include <gmock/gmock.h>

using namespace lpgen;
using namespace lpgen::importer;
using namespace lpgen::importer::testing;
using ::onnx::TensorProto;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Of x[2, 2, 3] with itself, transposed: the first one of its rows is known.
TEST(ImportOnnxRepeating, ProductsOfTwoActivations) {
  Net net;
  net.input("x", {2, 2, 3}).output("y");
  net.node("Transpose", {"x"}, {"t"}, {{"perm", Ints{0, 2, 1}}});
  net.node("MatMul", {"x", "t"}, {"y"});
  EXPECT_THAT(computed(net, {1, 2, 3, 4, 5, 6, -1, 0, 1, 2, -2, 2}),
              ElementsAre(14, 32, 32, 77, 2, 0, 0, 12));
  // Matrices for each of several images, and one for all of them.
  Net one;
  one.input("x", {2, 1, 2})
      .output("y")
      .floats("w", {3, 2, 2}, {1, 0, 0, 1, 2, 0, 0, 2, 0, 1, 1, 0});
  one.node("Unsqueeze", {"x", "axis"}, {"u"});
  one.integers("axis", TensorProto::INT64, {1}, {1});
  one.node("MatMul", {"u", "w"}, {"y"});
  EXPECT_THAT(computed(one, {1, 2, 3, 4}),
              ElementsAre(1, 2, 2, 4, 2, 1, 3, 4, 6, 8, 4, 3));
  Net wrong;
  wrong.input("x", {2, 2, 3}).output("y").node("MatMul", {"x", "x"}, {"y"});
  EXPECT_THAT(whyRefused(wrong), HasSubstr("not as many rows"));
}

// Codes with zero points: the product is one of integers.
TEST(ImportOnnxRepeating, ProductsOfTwoActivationsOfIntegers) {
  Net net;
  net.input("x", {0, 2, 2}, TensorProto::UINT8).output("y");
  net.floats("s", {}, {0.5}).integers("z", TensorProto::UINT8, {}, {3});
  net.node("DequantizeLinear", {"x", "s", "z"}, {"d"});
  net.node("Transpose", {"d"}, {"t"}, {{"perm", Ints{0, 2, 1}}});
  net.node("MatMul", {"d", "t"}, {"y"});
  EXPECT_THAT(computed(net, {3, 4, 5, 6, 0, 1, 255, 3}, {}, 2),
              ElementsAre(0.25, 0.75, 0.75, 3.25, 3.25, -189, -189, 15876));
  const Result<Program> program = imported(net.bytes());
  ASSERT_EQ(program->report.layers.size(), 1U);
  EXPECT_EQ(program->report.layers[0].encoding, "u8 x u8");
  EXPECT_EQ(program->report.layers[0].weights, 0);
  EXPECT_EQ(program->report.layers[0].macs, 8);
}

TEST(ImportOnnxRepeating, KnownMatricesOnTheLeft) {
  const auto product = [](const Ints &shape, const std::vector<float> &a) {
    Net net;
    net.input("x", {2, 3}).output("y").floats("a", shape, a);
    net.node("MatMul", {"a", "x"}, {"y"});
    return computed(net, {1, 2, 3, 4, 5, 6});
  };
  EXPECT_THAT(product({2, 2}, {1, 1, 2, -1}), ElementsAre(5, 7, 9, -2, -1, 0));
  EXPECT_THAT(product({2}, {10, 1}), ElementsAre(14, 25, 36));
  // One for each of two images, which is one of integers.
  Net net;
  net.input("x", {2, 2, 1}, TensorProto::INT8).output("y");
  net.floats("s", {}, {0.5}).floats("t", {}, {2});
  net.integers("a", TensorProto::INT8, {3, 2}, {1, 1, 0, 2, -3, 0});
  net.node("DequantizeLinear", {"a", "t"}, {"ad"});
  net.node("DequantizeLinear", {"x", "s"}, {"xd"});
  net.node("MatMul", {"ad", "xd"}, {"y"});
  EXPECT_THAT(computed(net, {1, 2, 3, -4}), ElementsAre(3, 4, -3, -1, -8, -9));
  EXPECT_EQ(imported(net.bytes())->report.layers.at(0).encoding, "s3 x s8");
}

TEST(ImportOnnxRepeating, VectorTimesVector) {
  Net net;
  net.input("x", {2}).output("y").floats("w", {2}, {10, 1});
  net.node("MatMul", {"x", "w"}, {"y"});
  EXPECT_THAT(computed(net, {1, 2}), ElementsAre(12));
}

static Numbers repeated(const std::string &operation, const Ints &shape,
                        const Ints &how, const Numbers &x) {
  Net net;
  net.input("x", shape).output("y");
  net.integers("k", TensorProto::INT64, {int64_t(how.size())}, how);
  net.node(operation, {"x", "k"}, {"y"});
  return computed(net, x);
}

TEST(ImportOnnxRepeating, ExpandAndTile) {
  EXPECT_THAT(repeated("Expand", {1, 2, 1}, {2, 1, 3}, {1, 2}),
              ElementsAre(1, 1, 1, 2, 2, 2, 1, 1, 1, 2, 2, 2));
  EXPECT_THAT(repeated("Expand", {2}, {2, 2}, {1, 2}), ElementsAre(1, 2, 1, 2));
  EXPECT_THAT(repeated("Expand", {2, 2}, {1}, {1, 2, 3, 4}),
              ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(repeated("Tile", {1, 2}, {2, 3}, {1, 2}),
              ElementsAre(1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2));
  // What is repeated is flattened and read again, of a known tensor too.
  Net net;
  net.input("x", {1, 2, 2}).output("y").floats("k", {2}, {10, 20});
  net.integers("times", TensorProto::INT64, {3}, {1, 2, 1});
  net.integers("twice", TensorProto::INT64, {1}, {4});
  net.node("Tile", {"x", "times"}, {"t"}).node("Flatten", {"t"}, {"f"});
  net.node("Tile", {"k", "twice"}, {"kk"}).node("Add", {"f", "kk"}, {"y"});
  EXPECT_THAT(computed(net, {1, 2, 3, 4}),
              ElementsAre(11, 22, 13, 24, 11, 22, 13, 24));
  Net images;
  images.input("x", {0, 2}).output("y");
  images.integers("k", TensorProto::INT64, {2}, {2, 1});
  images.node("Tile", {"x", "k"}, {"y"});
  EXPECT_THAT(whyRefused(images), HasSubstr("of the images"));
  Net none;
  none.input("x", {1, 2}).output("y");
  none.integers("k", TensorProto::INT64, {2}, {1, 0});
  none.node("Tile", {"x", "k"}, {"y"});
  EXPECT_THAT(whyRefused(none), HasSubstr("out of range"));
  Net other;
  other.input("x", {1, 2}).output("y");
  other.integers("k", TensorProto::INT64, {2}, {1, 3});
  other.node("Expand", {"x", "k"}, {"y"});
  EXPECT_THAT(whyRefused(other), HasSubstr("do not go together"));
}

// As PyTorch writes expand: -1 keeps an extent.
TEST(ImportOnnxRepeating, ShapesByConditions) {
  Net net;
  net.input("x", {0, 1, 2}).output("y");
  net.integers("wanted", TensorProto::INT64, {3}, {-1, 2, -1});
  net.integers("minus", TensorProto::INT64, {}, {-1});
  net.node("Equal", {"wanted", "minus"}, {"open"});
  net.integers("one", TensorProto::INT64, {}, {1});
  net.node("Where", {"open", "one", "wanted"}, {"shape"});
  net.node("Expand", {"x", "shape"}, {"y"});
  EXPECT_THAT(computed(net, {1, 2, 3, 4}, {}, 2),
              ElementsAre(1, 2, 1, 2, 3, 4, 3, 4));
}

TEST(ImportOnnxRepeating, ChoicesByConditions) {
  const auto chosen = [](const std::string &operation) {
    Net net;
    net.input("x", {1, 4}).output("y").floats("k", {}, {2});
    net.floats("a", {4}, {10, 20, 30, 40});
    net.node(operation, {"x", "k"}, {"c"});
    net.node("Where", {"c", "a", "x"}, {"y"});
    return computed(net, {1, 2, 3, -INFINITY});
  };
  EXPECT_THAT(chosen("Greater"), ElementsAre(1, 2, 30, -INFINITY));
  EXPECT_THAT(chosen("GreaterOrEqual"), ElementsAre(1, 20, 30, -INFINITY));
  EXPECT_THAT(chosen("Less"), ElementsAre(10, 2, 3, 40));
  EXPECT_THAT(chosen("LessOrEqual"), ElementsAre(10, 20, 3, 40));
  EXPECT_THAT(chosen("Equal"), ElementsAre(1, 20, 3, -INFINITY));
  const auto truth = [](const std::string &operation) {
    Net net;
    net.input("x", {1, 4}).output("y", TensorProto::BOOL).floats("k", {}, {1});
    net.floats("none", {}, {0}).node("Greater", {"x", "k"}, {"a"});
    net.node("Less", {"x", "none"}, {"b"});
    net.node("Not", {"b"}, {"positive"});
    net.node(operation, {"a", "positive"}, {"y"});
    return computed(net, {0.5, 2, -3, NAN});
  };
  EXPECT_THAT(truth("And"), ElementsAre(0, 1, 0, 0));
  EXPECT_THAT(truth("Or"), ElementsAre(1, 1, 0, 1));
  EXPECT_THAT(truth("Xor"), ElementsAre(1, 0, 0, 1));
  Net real;
  real.input("x", {1, 2}).output("y").node("Where", {"x", "x", "x"}, {"y"});
  EXPECT_THAT(whyRefused(real), HasSubstr("no truth values"));
}

TEST(ImportOnnxRepeating, SpaceBecomesDepth) {
  Net net;
  net.input("x", {1, 2, 2, 4}).output("y");
  net.node("SpaceToDepth", {"x"}, {"y"}, {{"blocksize", int64_t{2}}});
  EXPECT_THAT(
      computed(net, {0, 1, 2, 3, 4, 5, 6, 7, 10, 11, 12, 13, 14, 15, 16, 17}),
      ElementsAre(0, 2, 10, 12, 1, 3, 11, 13, 4, 6, 14, 16, 5, 7, 15, 17));
  Net odd;
  odd.input("x", {1, 1, 2, 3}).output("y");
  odd.node("SpaceToDepth", {"x"}, {"y"}, {{"blocksize", int64_t{2}}});
  EXPECT_THAT(whyRefused(odd), HasSubstr("does not divide"));
}

// A window that goes beyond the padding counts what is inside of both, as
// ONNX Runtime and PyTorch do.
TEST(ImportOnnxRepeating, WindowsBeyondThePadding) {
  Net net;
  net.input("x", {1, 1, 5}).output("y");
  net.node("AveragePool", {"x"}, {"y"},
           {{"kernel_shape", Ints{3}},
            {"strides", Ints{2}},
            {"pads", Ints{1, 0}},
            {"ceil_mode", int64_t{1}},
            {"count_include_pad", int64_t{1}}});
  EXPECT_THAT(computed(net, {3, 6, 9, 12, 15}), ElementsAre(3, 9, 13.5));
}

namespace {
struct RepeatedConv {
  Ints factors;
  Ints kernel;
  Ints pads;
  int64_t outputs;
  bool isQuantized;
};

/// A convolution of bytes [1, 2, 3, 2] whose rows and columns repeat. With
/// another node between, it is one of the large image.
Net repeatedConv(const RepeatedConv &shape, bool isDirect) {
  Net net;
  net.input("x", {1, 2, 3, 2}, TensorProto::UINT8).output("y");
  net.floats("none", {0}, {})
      .floats("factors", {4},
              {1, 1, float(shape.factors[0]), float(shape.factors[1])});
  const int64_t count = shape.outputs * 2 * shape.kernel[0] * shape.kernel[1];
  std::vector<float> weights(static_cast<size_t>(count));
  for (size_t i = 0; i < weights.size(); ++i) {
    weights[i] = float(int(i * 7 % 11) - 5);
  }
  std::vector<float> scales;
  std::vector<float> bias;
  std::vector<float> whole;
  for (int64_t o = 0; o < shape.outputs; ++o) {
    whole.push_back(float(40 - 90 * o));
    scales.push_back(float(o + 1) * 0.25F);
    bias.push_back(float(o) * 3 - 2);
  }
  net.floats("w", {shape.outputs, 2, shape.kernel[0], shape.kernel[1]},
             weights);
  net.floats("b", {shape.outputs}, whole);
  net.floats("scales", {shape.outputs, 1, 1}, scales);
  net.floats("bias", {shape.outputs, 1, 1}, bias);
  net.floats("sy", {}, {0.7F}).integers("zy", TensorProto::UINT8, {}, {9});
  net.node("Cast", {"x"}, {"xf"}, {{"to", int64_t{1}}});
  net.node("Resize", {"xf", "none", "factors"}, {"large"},
           {{"mode", std::string("nearest")},
            {"coordinate_transformation_mode", std::string("asymmetric")},
            {"nearest_mode", std::string("floor")}});
  if (!isDirect) {
    net.node("Identity", {"large"}, {"same"});
  }
  net.node("Conv", {isDirect ? "large" : "same", "w", "b"}, {"p"},
           {{"pads", shape.pads}});
  net.node("Mul", {"p", "scales"}, {"m"});
  net.node("Add", {"m", "bias"}, {"a"});
  net.node("Relu", {"a"}, {shape.isQuantized ? "r" : "y"});
  if (shape.isQuantized) {
    net.node("QuantizeLinear", {"r", "sy", "zy"}, {"q"});
    net.node("DequantizeLinear", {"q", "sy", "zy"}, {"y"});
  }
  return net;
}
} // namespace

TEST(ImportOnnxRepeating, ConvolutionOfRepeatedRowsIsOneOfTheSmallImage) {
  const Numbers x = {3, 250, 7, 90, 0, 255, 12, 1, 200, 33, 54, 128};
  const std::vector<RepeatedConv> shapes = {
      {{2, 2}, {3, 3}, {1, 1, 1, 1}, 3, true},
      {{2, 2}, {3, 3}, {1, 1, 1, 1}, 1, false},
      {{3, 2}, {5, 3}, {2, 1, 2, 1}, 2, true},
      {{1, 4}, {1, 3}, {0, 2, 0, 0}, 3, true},
      {{2, 1}, {2, 1}, {0, 0, 1, 0}, 2, false},
      {{2, 2}, {5, 5}, {3, 3, 1, 1}, 2, true}};
  for (const RepeatedConv &shape : shapes) {
    const Net net = repeatedConv(shape, true);
    const std::vector<double> expected =
        computed(repeatedConv(shape, false), x);
    EXPECT_EQ(computed(net, x), expected) << imported(net.bytes())->text();
    EXPECT_THAT(imported(net.bytes())->text(), HasSubstr(": u8[1, 3, 2, 2]"));
  }
  // An odd number of places, and outputs that fill the lanes.
  for (const RepeatedConv &shape :
       std::vector<RepeatedConv>{{{2, 2}, {2, 2}, {0, 0, 0, 0}, 3, true},
                                 {{2, 2}, {3, 3}, {1, 1, 1, 1}, 5, true}}) {
    const Net net = repeatedConv(shape, true);
    EXPECT_EQ(computed(net, x), computed(repeatedConv(shape, false), x));
    EXPECT_THAT(imported(net.bytes())->text(), HasSubstr("u8[1, 6, 4, 2]"));
  }
}
