// ONNX's operators that move elements, and what integers in a file mean,
// against values that the test computes by itself.
#include "tests/unit/OnnxTesting.h"
#include <cmath>
#include <gmock/gmock.h>

using namespace lpgen;
using namespace lpgen::importer;
using namespace lpgen::importer::testing;
using ::onnx::TensorProto;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// What a node makes of x and known integers; an empty list is left out.
static Net netOf(const std::string &operation, const Ints &shape,
                 const std::vector<Ints> &known,
                 const Attributes &attributes = {}, int64_t opset = 18) {
  Net net(opset);
  net.input("x", shape).output("y");
  std::vector<std::string> inputs = {"x"};
  for (size_t i = 0; i < known.size(); ++i) {
    const std::string name = "k" + std::to_string(i);
    inputs.push_back(known[i].empty() ? "" : name);
    if (!known[i].empty()) {
      net.integers(name, TensorProto::INT64, {int64_t(known[i].size())},
                   known[i]);
    }
  }
  net.node(operation, inputs, {"y"}, attributes);
  return net;
}

TEST(ImportOnnxMovement, SlicesBackward) {
  const Numbers x = {0, 1, 2, 3, 4, 5};
  const auto sliced = [&](const Ints &starts, const Ints &ends,
                          const Ints &axes, const Ints &steps) {
    return computed(netOf("Slice", {1, 2, 3}, {starts, ends, axes, steps}), x);
  };
  EXPECT_THAT(sliced({-1}, {INT64_MIN}, {2}, {-1}),
              ElementsAre(2, 1, 0, 5, 4, 3));
  EXPECT_THAT(sliced({2}, {0}, {-1}, {-2}), ElementsAre(2, 5));
  EXPECT_THAT(sliced({99, 99}, {-99, -99}, {1, 2}, {-1, -2}),
              ElementsAre(5, 3, 2, 0));
  EXPECT_THAT(sliced({INT64_MAX}, {0}, {1}, {INT64_MIN}), ElementsAre(3, 4, 5));
  EXPECT_THAT(whyRefused(netOf("Slice", {1, 2, 3}, {{0}, {2}, {2}, {0}})),
              HasSubstr("its step is 0"));
  EXPECT_THAT(whyRefused(netOf("Slice", {1, 2, 3}, {{0}, {2}, {2}, {-1}})),
              HasSubstr("nothing is left"));
}

TEST(ImportOnnxMovement, SlicesOfSeveralFactorsBackward) {
  Net net;
  net.input("x", {1, 2, 3}).output("y");
  net.integers("s", TensorProto::INT64, {1}, {4});
  net.integers("e", TensorProto::INT64, {1}, {0});
  net.integers("a", TensorProto::INT64, {1}, {1});
  net.integers("t", TensorProto::INT64, {1}, {-3});
  net.node("Flatten", {"x"}, {"f"});
  net.node("Slice", {"f", "s", "e", "a", "t"}, {"y"});
  EXPECT_THAT(computed(net, {0, 1, 2, 3, 4, 5}), ElementsAre(4, 1));
}

TEST(ImportOnnxMovement, PaddingOfAllModes) {
  const Numbers x = {1, 2, 3, 4};
  const auto padded = [&](const std::string &mode, const Ints &pads) {
    return computed(netOf("Pad", {1, 4}, {pads}, {{"mode", mode}}), x);
  };
  EXPECT_THAT(padded("edge", {0, 2, 0, 1}), ElementsAre(1, 1, 1, 2, 3, 4, 4));
  EXPECT_THAT(padded("reflect", {0, 2, 0, 3}),
              ElementsAre(3, 2, 1, 2, 3, 4, 3, 2, 1));
  EXPECT_THAT(padded("constant", {0, -1, 0, 1}), ElementsAre(2, 3, 4, 0));
  const auto refused = [&](const std::string &mode, const Ints &pads) {
    return whyRefused(netOf("Pad", {1, 4}, {pads}, {{"mode", mode}}));
  };
  EXPECT_THAT(refused("reflect", {0, 4, 0, 0}), HasSubstr("'constant' only"));
  EXPECT_THAT(refused("edge", {0, -1, 0, 0}), HasSubstr("'constant' only"));
  EXPECT_THAT(padded("wrap", {0, 2, 0, 5}),
              ElementsAre(3, 4, 1, 2, 3, 4, 1, 2, 3, 4, 1));
  EXPECT_THAT(refused("wrap", {0, -1, 0, 0}), HasSubstr("negative"));
  EXPECT_THAT(refused("mirror", {0, 1, 0, 0}), HasSubstr("'mirror'"));
  // Of some dimensions, which count from the end.
  EXPECT_THAT(computed(netOf("Pad", {1, 2, 2}, {{1, 0, 0, 1}, {}, {-1, 1}}), x),
              ElementsAre(0, 1, 2, 0, 3, 4, 0, 0, 0));
  EXPECT_THAT(whyRefused(netOf("Pad", {1, 4}, {{0, 1}, {}, {2}})),
              HasSubstr("axes"));
}

TEST(ImportOnnxMovement, NumbersAroundATensor) {
  const auto padded = [](const Net &before, float number, const Numbers &x) {
    Net net = before;
    net.integers("p", TensorProto::INT64, {4}, {0, 1, 0, 1});
    net.floats("v", {}, {number});
    net.node("Pad", {"a", "p", "v"}, {"y"});
    return computed(net, x);
  };
  Net whole;
  whole.input("x", {1, 2}).output("y").node("Floor", {"x"}, {"a"});
  // No integer, and one beyond the values.
  EXPECT_THAT(padded(whole, 2.5, {1.5, -3}), ElementsAre(2.5, 1, -3, 2.5));
  Net bits;
  bits.input("x", {1, 2}).output("y").floats("s", {}, {1});
  bits.node("BipolarQuant", {"x", "s"}, {"a"});
  EXPECT_THAT(padded(bits, 0, {1.5, -3}), ElementsAre(0, 1, -1, 0));
  EXPECT_THAT(padded(bits, 7, {1.5, -3}), ElementsAre(7, 1, -1, 7));
  Net reals;
  reals.input("x", {1, 2}).output("y").node("Identity", {"x"}, {"a"});
  EXPECT_THAT(padded(reals, -INFINITY, {1.5, -3}),
              ElementsAre(-INFINITY, 1.5, -3, -INFINITY));
}

TEST(ImportOnnxMovement, ElementsAtKnownPlaces) {
  const Numbers x = {0, 1, 2, 3, 4, 5};
  const auto gathered = [&](int64_t axis, const Ints &places) {
    return computed(netOf("Gather", {1, 2, 3}, {places}, {{"axis", axis}}), x);
  };
  EXPECT_THAT(gathered(2, {-1, 0, 0, 1}), ElementsAre(2, 0, 0, 1, 5, 3, 3, 4));
  EXPECT_THAT(gathered(1, {-1, 0}), ElementsAre(3, 4, 5, 0, 1, 2));
  EXPECT_THAT(
      whyRefused(netOf("Gather", {1, 2, 3}, {{0, -3}}, {{"axis", int64_t{1}}})),
      HasSubstr("out of range"));
  // Places in two dimensions.
  Net net;
  net.input("x", {1, 3}).output("y");
  net.integers("k", TensorProto::INT64, {2, 2}, {2, -2, 0, 0});
  net.node("Gather", {"x", "k"}, {"g"}, {{"axis", int64_t{1}}});
  net.node("Transpose", {"g"}, {"y"}, {{"perm", Ints{0, 2, 1}}});
  EXPECT_THAT(computed(net, {7, 8, 9}), ElementsAre(9, 7, 8, 7));
}

TEST(ImportOnnxMovement, ResizingByAnyFactor) {
  const auto resized = [](const std::string &coordinates,
                          const std::string &rounding, int64_t size) {
    return computed(netOf("Resize", {1, 4}, {{}, {}, {1, size}},
                          {{"coordinate_transformation_mode", coordinates},
                           {"nearest_mode", rounding}}),
                    {0, 1, 2, 3});
  };
  // Places -0.1, 0.7, 1.5, 2.3, 3.1; 0, 0.8, ...; 0, 0.75, ...
  EXPECT_THAT(resized("half_pixel", "round_prefer_floor", 5),
              ElementsAre(0, 1, 1, 2, 3));
  EXPECT_THAT(resized("half_pixel", "round_prefer_ceil", 5),
              ElementsAre(0, 1, 2, 2, 3));
  EXPECT_THAT(resized("asymmetric", "floor", 5), ElementsAre(0, 0, 1, 2, 3));
  EXPECT_THAT(resized("asymmetric", "ceil", 5), ElementsAre(0, 1, 2, 3, 3));
  EXPECT_THAT(resized("align_corners", "round_prefer_ceil", 5),
              ElementsAre(0, 1, 2, 2, 3));
  EXPECT_THAT(resized("pytorch_half_pixel", "floor", 1), ElementsAre(0));
  EXPECT_THAT(resized("half_pixel_symmetric", "floor", 2), ElementsAre(0, 2));
  EXPECT_THAT(resized("half_pixel", "ceil", 8),
              ElementsAre(0, 1, 1, 2, 2, 3, 3, 3));
  EXPECT_THAT(whyRefused(netOf("Resize", {1, 4}, {{}, {}, {1, 5}},
                               {{"coordinate_transformation_mode",
                                 std::string("tf_crop_and_resize")}})),
              HasSubstr("tf_crop_and_resize"));
  // Sizes of some dimensions.
  EXPECT_THAT(computed(netOf("Resize", {1, 2, 2}, {{}, {}, {3}},
                             {{"axes", Ints{-1}},
                              {"nearest_mode", std::string("floor")},
                              {"coordinate_transformation_mode",
                               std::string("asymmetric")}}),
                       {0, 1, 2, 3}),
              ElementsAre(0, 0, 1, 2, 2, 3));
}

TEST(ImportOnnxMovement, KnownPartsAreJoined) {
  Net net;
  net.input("x", {1, 2, 1}).output("y").floats("k", {1, 1, 1}, {0.5});
  net.floats("none", {1, 0, 1}, {});
  net.node("Concat", {"k", "x", "none", "k"}, {"y"}, {{"axis", int64_t{1}}});
  EXPECT_THAT(computed(net, {1, 2}), ElementsAre(0.5, 1, 2, 0.5));
}

TEST(ImportOnnxMovement, OperatorsOfSeveralInputs) {
  const auto combined = [](const std::string &operation) {
    Net net;
    net.input("x", {1, 2}).output("y").floats("a", {2}, {3, -1});
    net.floats("b", {1, 1}, {0.5});
    net.node(operation, {"x", "a", "b"}, {"y"});
    return computed(net, {1, 2});
  };
  EXPECT_THAT(combined("Min"), ElementsAre(0.5, -1));
  EXPECT_THAT(combined("Max"), ElementsAre(3, 2));
  EXPECT_THAT(combined("Sum"), ElementsAre(4.5, 1.5));
  EXPECT_THAT(combined("Mean"), ElementsAre(1.5, 0.5));
  Net one;
  one.input("x", {1, 2}).output("y").node("Max", {"x"}, {"y"});
  EXPECT_THAT(computed(one, {1, 2}), ElementsAre(1, 2));
}

// C of a Gemm goes along the dimensions that its shape says, also where rows
// and columns are as many.
TEST(ImportOnnxMovement, BiasOfAnyShape) {
  const auto product = [](const Ints &shape, const std::vector<float> &c) {
    Net net;
    net.input("x", {2, 2}).output("y").floats("w", {2, 2}, {1, 0, 0, 1});
    net.floats("c", shape, c).node("Gemm", {"x", "w", "c"}, {"y"});
    return computed(net, {1, 2, 3, 4});
  };
  EXPECT_THAT(product({2}, {10, 20}), ElementsAre(11, 22, 13, 24));
  EXPECT_THAT(product({1, 2}, {10, 20}), ElementsAre(11, 22, 13, 24));
  EXPECT_THAT(product({2, 1}, {10, 20}), ElementsAre(11, 12, 23, 24));
  EXPECT_THAT(product({2, 2}, {10, 20, 30, 40}), ElementsAre(11, 22, 33, 44));
  EXPECT_THAT(product({1}, {10}), ElementsAre(11, 12, 13, 14));
}

// Integers of a file are cut toward zero, those in tensors of floats are not.
TEST(ImportOnnxMovement, QuotientsOfIntegers) {
  const auto divided = [](int type, const Ints &numbers) {
    Net net;
    net.input("x", {1, 4}, TensorProto::INT32);
    net.output("y", TensorProto::INT32);
    net.integers("k", type, {int64_t(numbers.size())}, numbers);
    net.node("Div", {"x", "k"}, {"y"});
    return net;
  };
  const Numbers x = {7, -7, -1, 8};
  EXPECT_THAT(computed(divided(TensorProto::INT32, {2}), x),
              ElementsAre(3, -3, 0, 4));
  EXPECT_THAT(computed(divided(TensorProto::INT32, {3, 5, 1, 9}), x),
              ElementsAre(2, -1, -1, 0));
  EXPECT_THAT(whyRefused(divided(TensorProto::INT32, {-2})),
              HasSubstr("known positive ones"));
  Net cast;
  cast.input("x", {1, 3}).output("y").floats("four", {}, {4});
  cast.integers("k", TensorProto::INT64, {}, {4});
  cast.node("Cast", {"x"}, {"a"}, {{"to", int64_t{TensorProto::INT64}}});
  cast.node("Div", {"a", "k"}, {"b"});
  cast.node("Cast", {"b"}, {"c"}, {{"to", int64_t{TensorProto::FLOAT}}});
  cast.node("Div", {"c", "four"}, {"y"});
  EXPECT_THAT(computed(cast, {7.9, -7.9, 40}), ElementsAre(0.25, -0.25, 2.5));
  Net mean;
  mean.input("x", {1, 2}, TensorProto::INT32).output("y", TensorProto::INT32);
  mean.node("ReduceMean", {"x"}, {"y"});
  EXPECT_THAT(whyRefused(mean), HasSubstr("means of integers"));
}

TEST(ImportOnnxMovement, TruthOfNumbers) {
  const auto truth = [](const std::string &before) {
    Net net;
    net.input("x", {1, 4}).output("y", TensorProto::BOOL);
    net.node(before, {"x"}, {"a"});
    net.node("Cast", {"a"}, {"y"}, {{"to", int64_t{TensorProto::BOOL}}});
    return computed(net, {0.5, 0, -3, NAN});
  };
  EXPECT_THAT(truth("Identity"), ElementsAre(1, 0, 1, 1));
  EXPECT_THAT(truth("Floor"), ElementsAre(0, 0, 1, 0));
}

TEST(ImportOnnxMovement, BoundsInTheWrongOrder) {
  Net net;
  net.input("x", {1, 2}).output("y").node("Floor", {"x"}, {"a"});
  net.floats("low", {}, {3}).floats("high", {}, {-2});
  net.node("Clip", {"a", "low", "high"}, {"y"});
  EXPECT_THAT(computed(net, {9, -9}), ElementsAre(-2, -2));
}

TEST(ImportOnnxMovement, WhatIsForTrainingIsRefused) {
  const auto normalized = [](const char *attribute, int64_t value) {
    Net net(7);
    net.input("x", {1, 2, 3}).output("y").floats("k", {2}, {1, 2});
    net.node("BatchNormalization", {"x", "k", "k", "k", "k"}, {"y"},
             {{attribute, value}});
    return whyRefused(net);
  };
  EXPECT_THAT(normalized("training_mode", 1), HasSubstr("for inference"));
  EXPECT_THAT(normalized("spatial", 0), HasSubstr("for inference"));
  Net none;
  none.input("x", {1, 2}).node("Relu", {"x"}, {"y"});
  EXPECT_THAT(whyRefused(none), HasSubstr("it has no output"));
}

// A convolution with a stride, an operator that is not known, and what is
// computed of it.
TEST(ImportOnnxMovement, WhatNoOutputNeedsIsLeftOut) {
  Net net;
  net.input("x", {1, 1, 4}).output("y").floats("w", {1, 1, 2}, {1, 1});
  net.node("Conv", {"x", "w"}, {"a"}, {{"strides", Ints{2}}});
  net.node("LSTM", {"x"}, {"b"}).node("Relu", {"b"}, {"c"});
  net.node("Relu", {"x"}, {"y"});
  EXPECT_THAT(computed(net, {-1, 2, 3, 4}), ElementsAre(0, 2, 3, 4));
  EXPECT_THAT(
      imported(net.bytes())->report.notes,
      ElementsAre("3 nodes are left out, as no output depends on them"));
}

// With scales of the tensor it is one of integers, with others one of floats.
TEST(ImportOnnxMovement, ProductWithAVector) {
  Net net;
  net.input("x", {2, 2}).output("y").floats("w", {2}, {10, 1});
  net.node("MatMul", {"x", "w"}, {"y"});
  EXPECT_THAT(computed(net, {1, 2, 3, 4}), ElementsAre(12, 34));
  const auto quantized = [](const Ints &shape,
                            const std::vector<float> &scale) {
    Net codes;
    codes.input("x", {2, 2}, TensorProto::INT8).output("y");
    codes.floats("sx", {}, {0.5}).floats("sw", shape, scale);
    codes.integers("w", TensorProto::INT8, {2}, {10, -1});
    codes.node("DequantizeLinear", {"x", "sx"}, {"xd"});
    codes.node("DequantizeLinear", {"w", "sw"}, {"wd"}, {{"axis", int64_t{0}}});
    codes.node("MatMul", {"xd", "wd"}, {"y"});
    return codes;
  };
  EXPECT_THAT(computed(quantized({}, {2}), {1, 2, 3, 4}), ElementsAre(8, 26));
  EXPECT_EQ(imported(quantized({}, {2}).bytes())->report.layers.at(0).encoding,
            "s5 x s8");
  EXPECT_THAT(computed(quantized({2}, {2, 4}), {1, 2, 3, 4}),
              ElementsAre(6, 22));
}

TEST(ImportOnnxMovement, KnownCodesAtKnownPlaces) {
  Net net;
  net.input("x", {1, 3}).output("y").floats("s", {}, {0.5});
  net.integers("k", TensorProto::INT8, {2}, {4, -6});
  net.integers("places", TensorProto::INT64, {3}, {1, 0, -1});
  net.node("DequantizeLinear", {"k", "s"}, {"d"});
  net.node("Gather", {"d", "places"}, {"g"}).node("Mean", {"g", "g"}, {"m"});
  net.node("Add", {"x", "m"}, {"y"});
  EXPECT_THAT(computed(net, {1, 1, 1}), ElementsAre(-2, 3, -2));
}

TEST(ImportOnnxMovement, SumsBeyond64Bits) {
  Net net;
  net.input("x", {1, 2}).output("y").floats("s", {}, {1}).floats("b", {}, {4});
  net.integers("z", TensorProto::INT64, {}, {int64_t{1} << 60});
  net.integers("w", TensorProto::INT8, {2, 1}, {7, 7});
  net.node("Quant", {"x", "s", "z", "b"}, {"q"});
  net.node("DequantizeLinear", {"w", "s"}, {"wd"});
  net.node("MatMul", {"q", "wd"}, {"y"});
  EXPECT_THAT(whyRefused(net), HasSubstr("its sums do not fit 64 bits"));
}
