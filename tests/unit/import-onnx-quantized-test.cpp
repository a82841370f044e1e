// Quantized forms of ONNX: QuantizeLinear and DequantizeLinear around products,
// QLinear operators, thresholds, and quantizers that move to where their input
// is made.
#include "tests/unit/OnnxTesting.h"
#include <algorithm>
#include <cmath>
#include <gmock/gmock.h>

using namespace lpgen;
using namespace lpgen::importer;
using namespace lpgen::importer::testing;
using ::onnx::TensorProto;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

/// q = clamp(round(x / 0.5) + 3) as uint8, product with int8 weights of two
/// scales, bias in int32, quantized by 0.25 and 10.
TEST(ImportOnnxQuantized, QdqProductIsOneOfIntegers) {
  Net net;
  net.input("x", {1, 2}).output("y");
  net.floats("sx", {}, {0.5}).integers("zx", TensorProto::UINT8, {}, {3});
  net.integers("w", TensorProto::INT8, {2, 2}, {2, -1, 4, 3});
  net.floats("sw", {2}, {0.5, 1})
      .integers("zw", TensorProto::INT8, {2}, {0, 1});
  net.integers("b", TensorProto::INT32, {2}, {4, -2});
  net.floats("sb", {2}, {0.25, 0.5});
  net.floats("sy", {1}, {0.25}).integers("zy", TensorProto::UINT8, {1}, {10});
  net.node("QuantizeLinear", {"x", "sx", "zx"}, {"xq"});
  net.node("DequantizeLinear", {"xq", "sx", "zx"}, {"xd"});
  net.node("DequantizeLinear", {"w", "sw", "zw"}, {"wd"},
           {{"axis", int64_t{0}}});
  net.node("DequantizeLinear", {"b", "sb"}, {"bd"}, {{"axis", int64_t{0}}});
  net.node("Gemm", {"xd", "wd", "bd"}, {"p"}, {{"transB", int64_t{1}}});
  net.node("QuantizeLinear", {"p", "sy", "zy"}, {"yq"});
  net.node("DequantizeLinear", {"yq", "sy", "zy"}, {"y"});
  // Codes of x less zero: 2, 4. Sums 2*2 - 4 + 4 = 4 and 3*2 + 2*4 - 2 = 12;
  // reals 1 and 6; codes 14 and 34.
  EXPECT_THAT(computed(net, {1.1, 2}), ElementsAre(1, 6));
  EXPECT_THAT(computed(net, {-99, 99}), ElementsAre(-10.0 / 4, 61.25));
  const Result<Program> program = imported(net.bytes());
  EXPECT_EQ(program->report.layers.at(0).encoding, "s3 x u8");
  EXPECT_EQ(program->report.layers.at(0).scales, "channel");
}

TEST(ImportOnnxQuantized, QLinearConvHasZeroPointsOfChannels) {
  Net net;
  net.input("x", {1, 1, 2, 2}, TensorProto::UINT8);
  net.output("y", TensorProto::UINT8);
  net.floats("sx", {1}, {0.5}).integers("zx", TensorProto::UINT8, {1}, {2});
  net.integers("w", TensorProto::UINT8, {2, 1, 1, 1}, {7, 90});
  net.floats("sw", {2}, {1, 2});
  net.integers("zw", TensorProto::UINT8, {2}, {5, 91});
  net.floats("sy", {}, {0.5}).integers("zy", TensorProto::UINT8, {}, {20});
  net.integers("b", TensorProto::INT32, {2}, {1, 0});
  net.node("QLinearConv", {"x", "sx", "zx", "w", "sw", "zw", "sy", "zy", "b"},
           {"y"});
  // x less 2: 0, 2, 4, 10; by 2 plus 1; by -1 and 2.
  EXPECT_THAT(computed(net, {2, 4, 6, 12}),
              ElementsAre(21, 25, 29, 41, 20, 16, 12, 0));
}

TEST(ImportOnnxQuantized, QLinearAddAndMatMul) {
  Net net;
  net.input("x", {1, 2}, TensorProto::INT8).output("y", TensorProto::INT8);
  net.floats("half", {}, {0.5}).integers("z", TensorProto::INT8, {}, {1});
  net.integers("w", TensorProto::INT8, {2, 1}, {3, -1});
  net.floats("one", {}, {1}).integers("zero", TensorProto::INT8, {}, {0});
  net.node("QLinearMatMul", {"x", "half", "z", "w", "one", "zero", "half", "z"},
           {"p"});
  net.node("QLinearAdd", {"p", "half", "z", "p", "one", "zero", "half", "z"},
           {"y"}, {}, "com.microsoft");
  // (4 - 1) * 3 - (2 - 1) = 8, plus 1; (9 - 1) / 2 + 9 = 13, 26 + 1.
  EXPECT_THAT(computed(net, {4, 2}), ElementsAre(27));
}

TEST(ImportOnnxQuantized, ClipGivesTheTrueWidth) {
  Net net;
  net.input("x", {1, 3}).output("y");
  net.floats("s", {}, {1}).integers("z", TensorProto::INT8, {}, {0});
  net.integers("lo", TensorProto::INT8, {}, {-7});
  net.integers("hi", TensorProto::INT8, {}, {7});
  net.floats("w", {3, 1}, {1, 1, 1});
  net.node("QuantizeLinear", {"x", "s", "z"}, {"q"});
  net.node("Clip", {"q", "lo", "hi"}, {"c"});
  net.node("DequantizeLinear", {"c", "s", "z"}, {"d"});
  net.node("MatMul", {"d", "w"}, {"y"});
  EXPECT_THAT(computed(net, {-20, 3, 9}), ElementsAre(3));
  EXPECT_EQ(imported(net.bytes())->report.layers.at(0).usedInputBits, 4u);
}

TEST(ImportOnnxQuantized, ThresholdsAreCounted) {
  Net net;
  net.input("x", {1, 2, 2}).output("y");
  net.floats("t", {2, 3}, {0, 1, 2, -1, 0.5, 0.5});
  net.node("MultiThreshold", {"x", "t"}, {"y"},
           {{"out_scale", 2.0F}, {"out_bias", -3.0F}},
           "qonnx.custom_op.general");
  EXPECT_THAT(computed(net, {-0.1, 1, 0.5, -2}), ElementsAre(-3, 1, 3, -3));
}

TEST(ImportOnnxQuantized, MaximaOfRoundedNumbersAreThoseOfCodes) {
  const auto pooled = [](float scale) {
    Net net;
    net.input("x", {1, 1, 2, 4}).output("y");
    net.floats("s", {}, {scale}).floats("z", {}, {0}).floats("b", {}, {3});
    net.node("Mul", {"x", "s"}, {"m"});
    net.node("MaxPool", {"m"}, {"p"},
             {{"kernel_shape", Ints{2, 2}}, {"strides", Ints{2, 2}}});
    net.node("Quant", {"p", "s", "z", "b"}, {"y"}, {{"signed", int64_t{1}}},
             "qonnx.custom_op.general");
    return net;
  };
  const Numbers x = {-9, -2.4, 0.6, 0.4, -3, -2.6, 9, 1};
  EXPECT_THAT(computed(pooled(0.5F), x), ElementsAre(-1, 1.5));
  EXPECT_THAT(imported(pooled(0.5F).bytes())->text(),
              HasSubstr(": s3[1, 2] = max("));
  Net twice = pooled(0.5F);
  twice.model.mutable_graph()->mutable_node(2)->set_input(0, "p2");
  twice.node("MaxPool", {"p"}, {"p2"}, {{"kernel_shape", Ints{1, 2}}});
  EXPECT_THAT(computed(twice, x), ElementsAre(1.5));
  EXPECT_THAT(imported(twice.bytes())->text(), Not(HasSubstr("f32[1, 1, 2]")));
  // A negative scale turns the order.
  EXPECT_THAT(computed(pooled(-0.5F), x), ElementsAre(2, 0));
}

/// Codes of x with scale 0.5 and 2 * x with 0.25 are joined, moved and
/// quantized by `scale`.
static Net joinedNet(float scale) {
  Net net;
  net.input("x", {1, 2}, TensorProto::UINT8).output("y", TensorProto::UINT8);
  net.floats("sa", {}, {0.5})
      .floats("sb", {}, {0.25})
      .floats("s", {1}, {scale});
  net.integers("z", TensorProto::UINT8, {}, {3}).floats("two", {}, {2});
  net.integers("shape", TensorProto::INT64, {2}, {2, 2});
  net.node("DequantizeLinear", {"x", "sa", "z"}, {"a"});
  net.node("DequantizeLinear", {"x", "sb"}, {"half"});
  net.node("Mul", {"half", "two"}, {"b"});
  net.node("Concat", {"a", "b"}, {"ab"}, {{"axis", int64_t{1}}});
  net.node("Reshape", {"ab", "shape"}, {"square"});
  net.node("Transpose", {"square"}, {"turned"});
  net.node("QuantizeLinear", {"turned", "s", "z"}, {"y"});
  return net;
}

// A quantizer behind a Concat goes before it; codes that are on its grid
// already stay as they are.
TEST(ImportOnnxQuantized, PartsAreQuantizedWhereTheyAreMade) {
  EXPECT_THAT(computed(joinedNet(0.5), {7, 0}), ElementsAre(7, 10, 0, 3));
  EXPECT_THAT(computed(joinedNet(0.4), {7, 0}), ElementsAre(8, 12, 0, 3));
  const std::string text = imported(joinedNet(0.5).bytes())->text();
  EXPECT_THAT(text, HasSubstr("Concat_3[n,c]: u8[1, 4] = "));
  EXPECT_THAT(text, Not(HasSubstr(": f32[")));
  EXPECT_EQ(text.find("round"), text.rfind("round")) << text;
  // Not if something else reads what is joined.
  Net read = joinedNet(0.5);
  read.output("ab");
  EXPECT_THAT(imported(read.bytes())->text(), HasSubstr(": f32["));
}

/// Scale, bias, normalization and quantizer behind a sum: one gain and one
/// offset, with the codes that the file's operations give one by one.
TEST(ImportOnnxQuantized, NormalizationBehindASumIsOneGainAndOffset) {
  const std::vector<float> mean = {0.3, -0.2};
  const std::vector<float> variance = {0.7, 2.1};
  const std::vector<float> weight = {1.1, -0.9};
  const std::vector<float> bias = {0.05, 0.6};
  Net net;
  net.input("x", {1, 1}, TensorProto::INT16).output("y");
  net.floats("one", {}, {1}).floats("none", {}, {0}).floats("bits", {}, {4});
  net.floats("w", {1, 2}, {3, 5}).floats("sw", {1, 2}, {0.013, 0.021});
  net.floats("wb", {}, {8}).floats("sy", {}, {0.37});
  net.floats("m", {2}, mean).floats("v", {2}, variance);
  net.floats("g", {2}, weight).floats("b", {2}, bias);
  net.floats("codes", {1, 2}, {3 * 0.013F, 5 * 0.021F});
  net.node("Cast", {"x"}, {"xf"}, {{"to", int64_t{1}}});
  net.node("Quant", {"codes", "sw", "none", "wb"}, {"wq"},
           {{"signed", int64_t{1}}}, "qonnx.custom_op.general");
  net.node("MatMul", {"xf", "wq"}, {"p"});
  net.node("BatchNormalization", {"p", "g", "b", "m", "v"}, {"n"},
           {{"epsilon", 1e-5F}});
  net.node("Relu", {"n"}, {"r"});
  net.node("Quant", {"r", "sy", "none", "bits"}, {"y"},
           {{"signed", int64_t{0}}}, "qonnx.custom_op.general");
  const std::string text = imported(net.bytes())->text();
  EXPECT_THAT(text, Not(HasSubstr(" / ")));
  EXPECT_THAT(text, Not(HasSubstr("deviation")));
  const auto expected = [&](int x, size_t c) {
    const float sum = float(x * (c == 0 ? 3 : 5));
    float t = sum * (c == 0 ? 0.013F : 0.021F);
    t = t - float(mean[c]);
    t = t / std::sqrt(float(variance[c]) + 1e-5F);
    t = t * float(weight[c]);
    t = t + float(bias[c]);
    t = std::max(t, 0.0F) / 0.37F;
    return double(std::clamp(std::nearbyint(t), 0.0F, 15.0F) * 0.37F);
  };
  for (const int x : {-400, -57, -8, 0, 1, 2, 9, 31, 64, 91, 117, 200, 444}) {
    EXPECT_THAT(computed(net, {double(x)}),
                ElementsAre(expected(x, 0), expected(x, 1)))
        << x;
  }
}

/// An attribute of operators of integers; weights stay as they are.
TEST(ImportOnnxQuantized, ImagesWithChannelsLast) {
  Net pool;
  pool.input("x", {1, 2, 2, 3}, TensorProto::UINT8);
  pool.output("y", TensorProto::UINT8);
  pool.floats("s", {}, {1}).integers("z", TensorProto::UINT8, {}, {0});
  pool.node("QLinearGlobalAveragePool", {"x", "s", "z", "s", "z"}, {"y"},
            {{"channels_last", int64_t{1}}}, "com.microsoft");
  EXPECT_THAT(computed(pool, {1, 10, 100, 3, 20, 200, 5, 30, 60, 7, 40, 80}),
              ElementsAre(4, 25, 110));
  EXPECT_THAT(imported(pool.bytes())->report.notes, ElementsAre());
  Net conv;
  conv.input("x", {1, 2, 1, 2}, TensorProto::UINT8);
  conv.output("y", TensorProto::UINT8);
  conv.floats("s", {}, {1}).integers("z", TensorProto::UINT8, {}, {0});
  conv.integers("w", TensorProto::INT8, {1, 2, 2, 1}, {1, 2, 3, 4});
  conv.integers("zw", TensorProto::INT8, {}, {0});
  conv.node("QLinearConv", {"x", "s", "z", "w", "s", "zw", "s", "z"}, {"y"},
            {{"channels_last", int64_t{1}}}, "com.microsoft");
  // Pixels (1, 2) and (3, 4): 1 * 1 + 2 * 3 of the channels, 3 * 2 + 4 * 4.
  EXPECT_THAT(computed(conv, {1, 3, 2, 4}),
              ElementsAre(1 * 1 + 2 * 2 + 3 * 3 + 4 * 4));
}

TEST(ImportOnnxQuantized, ScalesThatAreNoneAreNamed) {
  const auto refusedWith = [](const std::string &operation, float scale) {
    Net net;
    net.input("x", {1, 2}).output("y");
    net.floats("s", {2}, {1, scale}).floats("z", {}, {0}).floats("b", {}, {4});
    const bool isQuant = operation == "Quant";
    net.node(operation,
             isQuant ? std::vector<std::string>{"x", "s", "z", "b"}
                     : std::vector<std::string>{"x", "s"},
             {"y"});
    return whyRefused(net);
  };
  EXPECT_THAT(refusedWith("QuantizeLinear", 0),
              HasSubstr("'y_scale': its number 1 is 0 or not finite"));
  EXPECT_THAT(refusedWith("QuantizeLinear", NAN),
              HasSubstr("its number 1 is 0 or not finite"));
  EXPECT_THAT(refusedWith("Quant", INFINITY),
              HasSubstr("'scale': its number 1 is 0 or not finite"));
  EXPECT_THAT(refusedWith("BipolarQuant", NAN),
              HasSubstr("'scale': its number 1 is not finite"));
  EXPECT_EQ(refusedWith("QuantizeLinear", 1e-42F), "");
  Net blocks;
  blocks.input("x", {1, 32}).output("y");
  blocks.integers("w", TensorProto::UINT8, {2, 1, 16}, Ints(32, 7));
  blocks.floats("s", {2}, {1, NAN});
  blocks.node("MatMulNBits", {"x", "w", "s"}, {"y"},
              {{"K", int64_t{32}},
               {"N", int64_t{2}},
               {"bits", int64_t{4}},
               {"block_size", int64_t{32}}},
              "com.microsoft");
  EXPECT_THAT(whyRefused(blocks),
              HasSubstr("'scales': its number 1 is not finite"));
}

TEST(ImportOnnxQuantized, BlocksOfWeightsAreCounted) {
  const auto refusedWith = [](const Ints &shape) {
    Net net;
    net.input("x", {1, 6}).output("y");
    net.integers("w", TensorProto::INT8, {6, 4}, Ints(24, 1));
    net.floats("s", shape, std::vector<float>(size_t(shape[0] * shape[1]), 1));
    net.node("DequantizeLinear", {"w", "s"}, {"d"},
             {{"axis", int64_t{0}}, {"block_size", int64_t{3}}});
    net.node("MatMul", {"x", "d"}, {"y"});
    return whyRefused(net);
  };
  EXPECT_EQ(refusedWith({2, 4}), "");
  for (const Ints &shape : {Ints{2, 2}, Ints{1, 4}, Ints{3, 4}, Ints{2, 1}}) {
    EXPECT_THAT(refusedWith(shape), HasSubstr("one scale and zero point for "
                                              "each block"));
  }
}

/// Deeploy's: halves go up, also below 0; by a shift, and by a division.
TEST(ImportOnnxQuantized, RequantShiftRoundsHalvesUp) {
  const auto shifted = [](int64_t divisor, int64_t isSigned) {
    Net net;
    net.input("x", {1, 2, 3}, TensorProto::INT8).output("y");
    net.floats("factor", {1, 2, 1}, {3, -5})
        .floats("offset", {1, 2, 1}, {1, 7});
    net.node(
        "RequantShift", {"x", "factor", "offset"}, {"y"},
        {{"div", divisor}, {"n_levels_out", int64_t{16}}, {"signed", isSigned}},
        "PACTOps");
    return net;
  };
  const Numbers x = {-7, 1, 127, -128, 3, 0};
  for (const int64_t divisor : {1, 8, 12}) {
    for (const int64_t isSigned : {0, 1}) {
      Numbers expected;
      for (size_t i = 0; i < x.size(); ++i) {
        const double sum = i < 3 ? 3 * x[i] + 1 : -5 * x[i] + 7;
        expected.push_back(std::clamp(std::floor(sum / double(divisor) + 0.5),
                                      isSigned != 0 ? -8.0 : 0.0,
                                      isSigned != 0 ? 7.0 : 15.0));
      }
      EXPECT_EQ(computed(shifted(divisor, isSigned), x), expected)
          << divisor << " " << isSigned;
    }
  }
  EXPECT_THAT(imported(shifted(8, 1).bytes())->report.notes, ElementsAre());
  EXPECT_THAT(whyRefused(shifted(0, 1)),
              HasSubstr("'div, n_levels or signed': it is missing"));
  Net reals;
  reals.input("x", {1, 2}).output("y").floats("one", {}, {1});
  reals.node("RequantShift", {"x", "one", "one"}, {"y"},
             {{"div", int64_t{4}},
              {"n_levels", int64_t{256}},
              {"signed", int64_t{1}}});
  EXPECT_THAT(whyRefused(reals), HasSubstr("it needs integers"));
}

/// Codes that only a convolution reads are written with channels last.
TEST(ImportOnnxQuantized, CodesAreInTheOrderOfTheirReader) {
  const auto textWith = [](bool hasOther) {
    Net net;
    net.input("x", {1, 2, 3, 4}).output("y");
    net.floats("s", {}, {0.5}).integers("z", TensorProto::UINT8, {}, {3});
    net.floats("w", {1, 2, 1, 1}, {1, 2});
    net.node("QuantizeLinear", {"x", "s", "z"}, {"q"});
    net.node("DequantizeLinear", {"q", "s", "z"}, {"d"});
    net.node("Conv", {"d", "w"}, {hasOther ? "c" : "y"});
    if (hasOther) {
      net.node("Add", {"c", "d"}, {"y"});
    }
    return imported(net.bytes())->text();
  };
  EXPECT_THAT(textWith(false),
              HasSubstr(": u8[1, 3, 4, 2] = round(x[n,c,h,v]"));
  EXPECT_THAT(textWith(true), HasSubstr(": u8[1, 2, 3, 4] = round(x["));
}
