// ONNX's functions of one number, reductions and choices, against values that
// the test computes by itself.
#include "tests/unit/OnnxTesting.h"
#include <cmath>
#include <gmock/gmock.h>

using namespace lpgen;
using namespace lpgen::importer;
using namespace lpgen::importer::testing;
using ::onnx::TensorProto;
using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pointwise;

/// What one node makes of x.
static Numbers ofNode(const std::string &operation, const Ints &shape,
                      const Numbers &x, const Attributes &attributes = {},
                      int64_t opset = 13, const std::string &domain = "") {
  Net net(opset);
  net.input("x", shape).output("y");
  net.node(operation, {"x"}, {"y"}, attributes, domain);
  return computed(net, x);
}

static double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
static double softplus(double x) { return std::log1p(std::exp(x)); }

TEST(ImportOnnxFunctions, FunctionsOfOneNumber) {
  struct Case {
    const char *operation;
    Attributes attributes;
    double (*of)(double);
  };
  const Case cases[] = {
      {"Exp", {}, [](double x) { return std::exp(x); }},
      {"Erf", {}, [](double x) { return std::erf(x); }},
      {"Tanh", {}, [](double x) { return std::tanh(x); }},
      {"Sigmoid", {}, sigmoid},
      {"Abs", {}, [](double x) { return std::abs(x); }},
      {"Sign", {}, [](double x) { return double(x > 0) - double(x < 0); }},
      {"Reciprocal", {}, [](double x) { return 1 / x; }},
      {"Softplus", {}, softplus},
      {"Softsign", {}, [](double x) { return x / (1 + std::abs(x)); }},
      {"Elu",
       {{"alpha", 2.0F}},
       [](double x) { return x < 0 ? 2 * std::expm1(x) : x; }},
      {"Selu",
       {},
       [](double x) {
         return 1.0507009873554805 *
                (x < 0 ? 1.6732632423543772 * std::expm1(x) : x);
       }},
      {"Celu",
       {{"alpha", 2.0F}},
       [](double x) { return x < 0 ? 2 * std::expm1(x / 2) : x; }},
      {"ThresholdedRelu", {}, [](double x) { return x > 1 ? x : 0; }},
      {"LeakyRelu",
       {{"alpha", 0.125F}},
       [](double x) { return x < 0 ? x / 8 : x; }},
      {"HardSigmoid",
       {{"alpha", 0.25F}},
       [](double x) { return std::clamp(x / 4 + 0.5, 0.0, 1.0); }},
      {"HardSwish",
       {},
       [](double x) { return x * std::clamp(x / 6 + 0.5, 0.0, 1.0); }},
      {"Gelu",
       {},
       [](double x) { return x / 2 * (1 + std::erf(x / std::sqrt(2))); }},
      {"Gelu",
       {{"approximate", std::string("tanh")}},
       [](double x) {
         return x / 2 *
                (1 +
                 std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
       }},
      {"Mish", {}, [](double x) { return x * std::tanh(softplus(x)); }},
      {"Swish", {{"alpha", 0.5F}}, [](double x) { return x * sigmoid(x / 2); }},
      {"QuickGelu", {}, [](double x) { return x * sigmoid(1.702 * x); }},
  };
  const Numbers x = {-30, -2.5, -0.25, 0.5, 1.5, 20};
  for (const Case &c : cases) {
    Numbers expected;
    for (const double each : x) {
      expected.push_back(c.of(each));
    }
    EXPECT_THAT(ofNode(c.operation, {1, 6}, x, c.attributes),
                Pointwise(::testing::Truly([](const auto &pair) {
                            return std::abs(std::get<0>(pair) -
                                            std::get<1>(pair)) <=
                                   2e-6 * (1 + std::abs(std::get<1>(pair)));
                          }),
                          expected))
        << c.operation;
  }
  EXPECT_THAT(ofNode("Log", {1, 2}, {1, 0.25}),
              ElementsAre(0, DoubleNear(std::log(0.25), 1e-6)));
  EXPECT_THAT(ofNode("Sqrt", {1, 2}, {9, 2}), ElementsAre(3, std::sqrt(2.0F)));
}

TEST(ImportOnnxFunctions, PowersAreProductsAndRoots) {
  const auto raised = [](float exponent) {
    Net net;
    net.input("x", {1, 2}).output("y").floats("e", {}, {exponent});
    net.node("Pow", {"x", "e"}, {"y"});
    return net;
  };
  EXPECT_THAT(computed(raised(2), {4, 0.25}), ElementsAre(16, 0.0625));
  EXPECT_THAT(computed(raised(3), {4, 0.25}), ElementsAre(64, 1.0 / 64));
  EXPECT_THAT(computed(raised(0.5F), {4, 0.25}), ElementsAre(2, 0.5));
  EXPECT_THAT(computed(raised(-0.5F), {4, 0.25}), ElementsAre(0.5, 2));
  EXPECT_THAT(computed(raised(-1), {4, 0.25}), ElementsAre(0.25, 4));
  EXPECT_THAT(describe(imported(raised(2.5F).bytes())->report.findings.at(0)),
              HasSubstr("exponents other than"));
}

TEST(ImportOnnxFunctions, SoftmaxIsAlongOneAxis) {
  const double e = std::exp(1.0);
  const auto isNear = [](double value) { return DoubleNear(value, 1e-6); };
  EXPECT_THAT(ofNode("Softmax", {1, 2, 2}, {1, 2, 100, 99}),
              ElementsAre(isNear(1 / (1 + e)), isNear(e / (1 + e)),
                          isNear(e / (1 + e)), isNear(1 / (1 + e))));
  EXPECT_THAT(
      ofNode("Softmax", {1, 2, 2}, {1, 3, 2, 2}, {{"axis", int64_t{1}}}),
      ElementsAre(isNear(1 / (1 + e)), isNear(e / (1 + e)), isNear(e / (1 + e)),
                  isNear(1 / (1 + e))));
  // Up to version 12 all dimensions from the axis on, which is 1.
  EXPECT_THAT(ofNode("Softmax", {1, 2, 2}, {7, 7, 7, 7}, {}, 11),
              ElementsAre(0.25, 0.25, 0.25, 0.25));
  EXPECT_THAT(
      ofNode("LogSoftmax", {1, 2}, {-1000, -999}),
      ElementsAre(isNear(-1 - std::log1p(1 / e)), isNear(-std::log1p(1 / e))));
}

TEST(ImportOnnxFunctions, RunningSums) {
  const auto summed = [](int64_t axis, int64_t exclusive, int64_t reverse) {
    Net net;
    net.input("x", {1, 2, 3}).output("y");
    net.integers("axis", TensorProto::INT64, {}, {axis});
    net.node("CumSum", {"x", "axis"}, {"y"},
             {{"exclusive", exclusive}, {"reverse", reverse}});
    return computed(net, {1, -2, 3, 4, 0, -6});
  };
  EXPECT_THAT(summed(2, 0, 0), ElementsAre(1, -1, 2, 4, 4, -2));
  EXPECT_THAT(summed(-1, 1, 0), ElementsAre(0, 1, -1, 0, 4, 4));
  EXPECT_THAT(summed(2, 0, 1), ElementsAre(2, 1, 3, -2, -6, -6));
  EXPECT_THAT(summed(2, 1, 1), ElementsAre(1, 3, 0, -6, -6, 0));
  EXPECT_THAT(summed(1, 0, 0), ElementsAre(1, -2, 3, 5, -2, -3));
  EXPECT_THAT(summed(1, 1, 1), ElementsAre(4, 0, -6, 0, 0, 0));

  Net integers;
  integers.input("x", {1, 4}, TensorProto::INT8);
  integers.output("y", TensorProto::INT8);
  integers.integers("axis", TensorProto::INT64, {}, {1});
  integers.node("CumSum", {"x", "axis"}, {"y"});
  EXPECT_THAT(computed(integers, {1, -7, 3, 5}), ElementsAre(1, -6, -3, 2));

  Net one;
  one.input("x", {1, 1, 2}).output("y");
  one.integers("axis", TensorProto::INT64, {}, {1});
  one.node("CumSum", {"x", "axis"}, {"y"}, {{"exclusive", int64_t{1}}});
  EXPECT_THAT(computed(one, {5, 6}), ElementsAre(0, 0));

  Net unknown;
  unknown.input("x", {1, 4}).input("axis", {1}, TensorProto::INT64).output("y");
  unknown.node("CumSum", {"x", "axis"}, {"y"});
  EXPECT_THAT(whyRefused(unknown), HasSubstr("'axis': it is not known"));
  Net outside;
  outside.input("x", {1, 4}).output("y");
  outside.integers("axis", TensorProto::INT64, {}, {2});
  outside.node("CumSum", {"x", "axis"}, {"y"});
  EXPECT_THAT(whyRefused(outside),
              HasSubstr("it is out of range, or that of the images"));
}

TEST(ImportOnnxFunctions, ReductionsOverDimensions) {
  const Numbers x = {1, -2, 3, 4, 0, -6};
  const Attributes rows = {{"axes", Ints{2}}, {"keepdims", int64_t{0}}};
  EXPECT_THAT(ofNode("ReduceMax", {1, 2, 3}, x, rows), ElementsAre(3, 4));
  EXPECT_THAT(ofNode("ReduceMin", {1, 2, 3}, x, rows), ElementsAre(-2, -6));
  EXPECT_THAT(ofNode("ReduceSum", {1, 2, 3}, x, rows), ElementsAre(2, -2));
  EXPECT_THAT(ofNode("ReduceSum", {1, 2, 3}, x), ElementsAre(0));
  EXPECT_THAT(
      ofNode("ReduceSum", {1, 2, 3}, x, {{"noop_with_empty_axes", int64_t{1}}}),
      ElementsAre(1, -2, 3, 4, 0, -6));
  EXPECT_THAT(ofNode("GlobalMaxPool", {1, 2, 3}, x), ElementsAre(3, 4));
}

// Sums over channels of different scales are sums of what they stand for.
TEST(ImportOnnxFunctions, ScalesOfChannelsAreReduced) {
  Net net;
  net.input("x", {1, 2}, TensorProto::INT8).output("y");
  net.floats("s", {2}, {0.5, 2});
  net.node("DequantizeLinear", {"x", "s"}, {"d"}, {{"axis", int64_t{1}}});
  net.node("ReduceSum", {"d"}, {"y"}, {{"axes", Ints{1}}});
  EXPECT_THAT(computed(net, {3, 5}), ElementsAre(11.5));
}

TEST(ImportOnnxFunctions, PlacesOfExtremes) {
  const auto placeOf = [](const std::string &operation, int64_t isLast) {
    Net net;
    net.input("x", {1, 5}).output("y", TensorProto::INT64);
    net.node(operation, {"x"}, {"y"},
             {{"axis", int64_t{-1}},
              {"keepdims", int64_t{0}},
              {"select_last_index", isLast}});
    return computed(net, {4, -7, 9, -7, 9});
  };
  EXPECT_THAT(placeOf("ArgMax", 0), ElementsAre(2));
  EXPECT_THAT(placeOf("ArgMax", 1), ElementsAre(4));
  EXPECT_THAT(placeOf("ArgMin", 0), ElementsAre(1));
  EXPECT_THAT(placeOf("ArgMin", 1), ElementsAre(3));
}

TEST(ImportOnnxFunctions, SeveralGreatestElements) {
  const auto chosen = [](bool wantsPlaces, int64_t isLargest) {
    Net net;
    net.input("x", {1, 5});
    net.output(wantsPlaces ? "places" : "values",
               wantsPlaces ? TensorProto::INT64 : TensorProto::FLOAT);
    net.integers("k", TensorProto::INT64, {1}, {3});
    net.node("TopK", {"x", "k"}, {"values", "places"},
             {{"largest", isLargest}});
    return computed(net, {4, -7, 9, -7, 9});
  };
  EXPECT_THAT(chosen(false, 1), ElementsAre(9, 9, 4));
  EXPECT_THAT(chosen(true, 1), ElementsAre(2, 4, 0));
  EXPECT_THAT(chosen(false, 0), ElementsAre(-7, -7, 4));
  EXPECT_THAT(chosen(true, 0), ElementsAre(1, 3, 0));
}

/// x has steps of 0.25 and the zero point 8, the result those of 1/256.
TEST(ImportOnnxFunctions, FunctionsBetweenIntegers) {
  const auto ofIntegers = [](const std::string &operation) {
    Net net;
    net.input("x", {1, 2}, TensorProto::UINT8);
    net.output("y", TensorProto::UINT8);
    net.floats("sx", {}, {0.25}).integers("zx", TensorProto::UINT8, {}, {8});
    net.floats("sy", {}, {1.0F / 256});
    net.integers("zy", TensorProto::UINT8, {}, {0});
    net.node(operation, {"x", "sx", "zx", "sy", "zy"}, {"y"}, {},
             "com.microsoft");
    return computed(net, {4, 12});
  };
  const auto code = [](double real) { return std::nearbyint(256 * real); };
  EXPECT_THAT(ofIntegers("QLinearSoftmax"),
              ElementsAre(code(sigmoid(-2)), code(sigmoid(2))));
  EXPECT_THAT(ofIntegers("QLinearSigmoid"),
              ElementsAre(code(sigmoid(-1)), code(sigmoid(1))));
}

TEST(ImportOnnxFunctions, TransposedConvolutions) {
  const Numbers x = {1, 2, 10, 20};
  const auto spread = [&](const Attributes &attributes, const Ints &weights,
                          const std::vector<float> &w, const Ints &shape) {
    Net net;
    net.input("x", shape).output("y").floats("w", weights, w);
    net.node("ConvTranspose", {"x", "w"}, {"y"}, attributes);
    return computed(net, x);
  };
  const Attributes twice = {{"strides", Ints{2}}};
  EXPECT_THAT(spread(twice, {1, 1, 3}, {1, 2, 3}, {1, 1, 4}),
              ElementsAre(1, 2, 5, 4, 16, 20, 50, 40, 60));
  EXPECT_THAT(spread({{"strides", Ints{2}},
                      {"pads", Ints{1, 0}},
                      {"output_padding", Ints{1}}},
                     {1, 1, 3}, {1, 2, 3}, {1, 1, 4}),
              ElementsAre(2, 5, 4, 16, 20, 50, 40, 60, 0));
  EXPECT_THAT(
      spread({{"strides", Ints{2}}, {"auto_pad", std::string("SAME_UPPER")}},
             {1, 1, 3}, {1, 2, 3}, {1, 1, 4}),
      ElementsAre(1, 2, 5, 4, 16, 20, 50, 40));
  EXPECT_THAT(spread({{"dilations", Ints{2}}}, {1, 1, 2}, {1, 3}, {1, 1, 4}),
              ElementsAre(1, 2, 13, 26, 30, 60));
  // Two channels to two outputs, and each to one of its own.
  EXPECT_THAT(spread({}, {2, 2, 1}, {1, 2, 3, 4}, {1, 2, 2}),
              ElementsAre(31, 62, 42, 84));
  EXPECT_THAT(spread({{"group", int64_t{2}}}, {2, 1, 1}, {1, 2}, {1, 2, 2}),
              ElementsAre(1, 2, 20, 40));
}
