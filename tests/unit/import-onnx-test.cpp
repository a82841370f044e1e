// Small ONNX models of every family of operators, with the values that the
// definitions of the formats give.
#include "networks/import/onnx/Import.h"
#include "tests/TemporaryFolder.h"
#include "tests/unit/OnnxTesting.h"
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>

using namespace lpgen;
using namespace lpgen::importer;
using namespace lpgen::importer::testing;
using ::onnx::TensorProto;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

static Net withQuant(int64_t bits, int64_t isSigned, int64_t isNarrow,
                     const std::string &mode, float scale = 1, float zero = 0) {
  Net net;
  net.input("x", {1, 8}).output("y");
  net.floats("s", {}, {scale}).floats("z", {}, {zero});
  net.floats("b", {}, {float(bits)});
  // The domain is not among the imports, as in files of Brevitas.
  net.node(
      "Quant", {"x", "s", "z", "b"}, {"y"},
      {{"signed", isSigned}, {"narrow", isNarrow}, {"rounding_mode", mode}},
      "onnx.brevitas");
  return net;
}

TEST(ImportOnnx, QuantHasSevenRoundings) {
  const Numbers x = {-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 0.25, -0.75};
  const auto with = [&](const std::string &mode) {
    return computed(withQuant(4, 1, 0, mode), x);
  };
  EXPECT_THAT(with("ROUND"), ElementsAre(-2, -2, 0, 0, 2, 2, 0, -1));
  EXPECT_THAT(with("half_even"), ElementsAre(-2, -2, 0, 0, 2, 2, 0, -1));
  EXPECT_THAT(with("CEIL"), ElementsAre(-2, -1, 0, 1, 2, 3, 1, 0));
  EXPECT_THAT(with("FLOOR"), ElementsAre(-3, -2, -1, 0, 1, 2, 0, -1));
  EXPECT_THAT(with("UP"), ElementsAre(-3, -2, -1, 1, 2, 3, 1, -1));
  EXPECT_THAT(with("DOWN"), ElementsAre(-2, -1, 0, 0, 1, 2, 0, 0));
  EXPECT_THAT(with("HALF_UP"), ElementsAre(-3, -2, -1, 1, 2, 3, 0, -1));
  EXPECT_THAT(with("HALF_DOWN"), ElementsAre(-2, -1, 0, 0, 1, 2, 0, -1));
}

TEST(ImportOnnx, QuantHasRangesScalesAndZeroPoints) {
  const Numbers x = {-9, -7.6, -0.4, 0.3, 0.6, 3.2, 7.2, 99};
  EXPECT_THAT(computed(withQuant(4, 1, 1, "ROUND"), x),
              ElementsAre(-7, -7, 0, 0, 1, 3, 7, 7));
  EXPECT_THAT(computed(withQuant(2, 0, 1, "ROUND"), x),
              ElementsAre(0, 0, 0, 0, 1, 2, 2, 2));
  EXPECT_THAT(computed(withQuant(3, 0, 0, "ROUND", 0.5F), x),
              ElementsAre(0, 0, 0, 0.5, 0.5, 3, 3.5, 3.5));
  EXPECT_THAT(computed(withQuant(4, 0, 0, "ROUND", 1, 8), x),
              ElementsAre(-8, -8, 0, 0, 1, 3, 7, 7));
  EXPECT_THAT(computed(withQuant(1, 1, 1, "ROUND", 2), x),
              ElementsAre(-2, -2, -2, 2, 2, 2, 2, 2));
}

TEST(ImportOnnx, BipolarNetworkIsOneOfIntegers) {
  Net net(9);
  net.input("x", {1, 1, 2, 2}).output("y").floats("one", {}, {1});
  net.integers("zero", TensorProto::INT64, {}, {0});
  net.integers("rest", TensorProto::INT64, {1}, {-1});
  net.floats("w", {3, 4}, {1, -1, 1, 1, -1, -1, -1, 1, 1, 1, 1, 1});
  net.floats("gamma", {3}, {2, 1, -1}).floats("beta", {3}, {0.5, 0, 1});
  net.floats("mean", {3}, {1, -2, 0}).floats("var", {3}, {4, 1, 1});
  net.node("Shape", {"x"}, {"shape"});
  net.node("Gather", {"shape", "zero"}, {"images"}, {{"axis", int64_t{0}}});
  net.node("Unsqueeze", {"images"}, {"one_image"}, {{"axes", Ints{0}}});
  net.node("Concat", {"one_image", "rest"}, {"flat"}, {{"axis", int64_t{0}}});
  net.node("Reshape", {"x", "flat"}, {"x2"});
  net.node("BipolarQuant", {"x2", "one"}, {"q"}, {}, "finn.custom_op.general");
  net.node("BipolarQuant", {"w", "one"}, {"wq"});
  net.node("Transpose", {"wq"}, {"wt"}, {{"perm", Ints{1, 0}}});
  net.node("MatMul", {"q", "wt"}, {"p"});
  net.node("BatchNormalization", {"p", "gamma", "beta", "mean", "var"}, {"y"},
           {{"epsilon", 0.0F}});
  // Signs: 1, -1, 1 (0 is positive), 1; sums 4, 0, 2.
  EXPECT_THAT(computed(net, {0.5, -3, 0, 7}), ElementsAre(3.5, 2, -1));
  const Result<Program> program = imported(net.bytes());
  EXPECT_THAT(program->text(), HasSubstr("const w: b1[3, 2, 2] = \"w\""));
  ASSERT_EQ(program->report.layers.size(), 1u);
  EXPECT_EQ(program->report.layers[0].encoding, "b1 x b1");
  EXPECT_EQ(program->report.layers[0].macs, 12);
}

TEST(ImportOnnx, ImagesAreARunTimeSize) {
  Net net;
  net.input("x", {0, 2}).output("y");
  net.floats("w", {2, 1}, {1, 10}).node("MatMul", {"x", "w"}, {"y"});
  EXPECT_THAT(computed(net, {1, 2, 3, 4, 5, 6}, {}, 3),
              ElementsAre(21, 43, 65));
}

/// What Conv of ONNX gives: [1, 2, 4, 4] by [outputs, 2 / groups, 3, 3].
static Numbers convolved(const Numbers &x, const std::vector<float> &w,
                         int64_t outputs, int64_t groups, int64_t stride,
                         const Ints &pads) {
  Numbers y;
  const int64_t per = 2 / groups;
  const int64_t rows = (4 + pads[0] + pads[2] - 3) / stride + 1;
  const int64_t columns = (4 + pads[1] + pads[3] - 3) / stride + 1;
  for (int64_t i = 0; i < outputs * rows * columns; ++i) {
    const int64_t o = i / (rows * columns);
    const int64_t h = i / columns % rows;
    const int64_t v = i % columns;
    double sum = 0;
    for (int64_t j = 0; j < per * 9; ++j) {
      const int64_t c = o / (outputs / groups) * per + j / 9;
      const int64_t row = h * stride + j / 3 % 3 - pads[0];
      const int64_t column = v * stride + j % 3 - pads[1];
      if (row >= 0 && row < 4 && column >= 0 && column < 4) {
        sum +=
            x[size_t((c * 4 + row) * 4 + column)] * w[size_t(o * per * 9 + j)];
      }
    }
    y.push_back(sum);
  }
  return y;
}

TEST(ImportOnnx, ConvolutionsHavePadsStridesAndGroups) {
  Numbers x(32);
  for (size_t i = 0; i < x.size(); ++i) {
    x[i] = double(i * 7 % 11) - 5;
  }
  std::vector<float> w(size_t{4} * 18);
  for (size_t i = 0; i < w.size(); ++i) {
    w[i] = float(i * 5 % 7) - 3;
  }
  struct Case {
    int64_t outputs, groups, stride;
    Ints pads;
  };
  for (const Case &c :
       {Case{3, 1, 1, {1, 1, 1, 1}}, Case{4, 2, 1, {0, 0, 0, 0}},
        Case{2, 2, 1, {1, 1, 1, 1}}, Case{4, 1, 2, {0, 0, 1, 1}},
        Case{1, 1, 1, {2, 0, 0, 1}}}) {
    const size_t count = size_t(c.outputs * 18 / c.groups);
    for (const bool isQuantized : {false, true}) {
      Net net;
      net.input("x", {1, 2, 4, 4}).output("y");
      net.floats("w", {c.outputs, 2 / c.groups, 3, 3},
                 {w.begin(), w.begin() + int64_t(count)});
      net.floats("one", {}, {1})
          .floats("zero", {}, {0})
          .floats("bits", {}, {4});
      if (isQuantized) {
        net.node("Quant", {"x", "one", "zero", "bits"}, {"q"});
      } else {
        net.node("Identity", {"x"}, {"q"});
      }
      net.node("Conv", {"q", "w"}, {"y"},
               {{"group", c.groups},
                {"pads", c.pads},
                {"strides", Ints{c.stride, c.stride}}});
      EXPECT_EQ(computed(net, x),
                convolved(x, w, c.outputs, c.groups, c.stride, c.pads))
          << c.outputs << " outputs, " << c.groups << " groups, quantized "
          << isQuantized;
    }
  }
}

TEST(ImportOnnx, FloatsOf16BitsKeepTheirTypes) {
  Net net;
  net.input("x", {1, 2}, TensorProto::FLOAT16);
  net.output("y", TensorProto::BFLOAT16);
  // 1, -2, 2^-24, 65504
  net.integers("w", TensorProto::FLOAT16, {2, 2},
               {0x3c00, 0xc000, 0x0001, 0x7bff});
  net.integers("b", TensorProto::BFLOAT16, {2}, {0x3f80, 0xbf80});
  net.node("MatMul", {"x", "w"}, {"p"}).node("Add", {"p", "b"}, {"y"});
  // 3 + 2^-24 + 1, and -6 + 65504 - 1 to 8 bits
  EXPECT_THAT(computed(net, {3, 1}), ElementsAre(4, 65536));
  const Result<Program> program = imported(net.bytes());
  ASSERT_TRUE(program.ok());
  EXPECT_THAT(program->text(),
              ::testing::AllOf(HasSubstr("x: f16["), HasSubstr("y: bf16["),
                               HasSubstr("const w: f16[")));
}

TEST(ImportOnnx, IntegersInFloatsStayExact) {
  Net net;
  net.input("x", {1, 2}).output("y");
  net.floats("m", {}, {2047}).floats("a", {}, {5}).floats("k", {}, {65536});
  net.node("Mul", {"m", "x"}, {"p"}).node("Add", {"p", "a"}, {"q"});
  net.node("Mul", {"q", "m"}, {"r"}).node("Div", {"r", "k"}, {"d"});
  net.node("Floor", {"d"}, {"f"});
  net.node("Clip", {"f"}, {"y"}, {{"min", 0.0F}, {"max", 9000.0F}});
  ImportOptions options;
  options.inputTypes["x"] = {Encoding::Unsigned, 8};
  const auto expected = [](int64_t x) {
    const int64_t quotient = (x * 2047 + 5) * 2047 / 65536;
    return double(quotient);
  };
  EXPECT_THAT(computed(net, {255, 3}, options), ElementsAre(9000, expected(3)));
}

TEST(ImportOnnx, ChannelsAreShuffled) {
  Net net;
  net.input("x", {1, 4, 1, 2}).output("y");
  net.integers("five", TensorProto::INT64, {5}, {1, 2, 2, 1, 2});
  net.integers("four", TensorProto::INT64, {4}, {1, -1, 1, 2});
  net.node("Reshape", {"x", "five"}, {"a"});
  net.node("Transpose", {"a"}, {"b"}, {{"perm", Ints{0, 2, 1, 3, 4}}});
  net.node("Reshape", {"b", "four"}, {"c"});
  net.node("Split", {"c"}, {"d", "e"}, {{"axis", int64_t{1}}});
  net.node("Concat", {"e", "x", "d"}, {"y"}, {{"axis", int64_t{1}}});
  EXPECT_THAT(computed(net, {1, 2, 3, 4, 5, 6, 7, 8}),
              ElementsAre(3, 4, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 5, 6));
}

TEST(ImportOnnx, ImagesAreEnlargedCutAndPadded) {
  Net net;
  net.input("x", {1, 1, 1, 2}).output("y");
  net.floats("none", {0}, {}).floats("twice", {4}, {1, 1, 2, 2});
  net.integers("pads", TensorProto::INT64, {8}, {0, 0, 0, 1, 0, 0, 0, 0});
  net.floats("five", {}, {5});
  net.integers("from", TensorProto::INT64, {1}, {1});
  net.integers("to", TensorProto::INT64, {1}, {99});
  net.integers("axis", TensorProto::INT64, {1}, {2});
  net.node("Resize", {"x", "none", "twice"}, {"a"},
           {{"mode", std::string("nearest")},
            {"coordinate_transformation_mode", std::string("asymmetric")},
            {"nearest_mode", std::string("floor")}});
  net.node("Slice", {"a", "from", "to", "axis"}, {"b"});
  net.node("Pad", {"b", "pads", "five"}, {"y"});
  EXPECT_THAT(computed(net, {1, 2}), ElementsAre(5, 1, 1, 2, 2));
}

TEST(ImportOnnx, DepthBecomesSpace) {
  Net net;
  net.input("x", {1, 4, 1, 2}).output("y");
  net.node("DepthToSpace", {"x"}, {"y"}, {{"blocksize", int64_t{2}}});
  EXPECT_THAT(computed(net, {1, 2, 3, 4, 5, 6, 7, 8}),
              ElementsAre(1, 3, 2, 4, 5, 7, 6, 8));
}

TEST(ImportOnnx, PoolsCountWhatIsInside) {
  const auto pooled = [](const std::string &operation,
                         const Attributes &attributes) {
    Net net;
    net.input("x", {1, 1, 3, 3}).output("y");
    net.node(operation, {"x"}, {"y"}, attributes);
    return computed(net, {1, 2, 3, 4, 5, 6, 7, 8, 9});
  };
  const Attributes window = {{"kernel_shape", Ints{2, 2}},
                             {"strides", Ints{2, 2}}};
  EXPECT_THAT(pooled("MaxPool", window), ElementsAre(5));
  Attributes ceiled = window;
  ceiled.emplace_back("ceil_mode", int64_t{1});
  EXPECT_THAT(pooled("MaxPool", ceiled), ElementsAre(5, 6, 8, 9));
  Attributes inside = window;
  inside.emplace_back("pads", Ints{0, 0, 1, 1});
  EXPECT_THAT(pooled("AveragePool", inside), ElementsAre(3, 4.5, 7.5, 9));
  inside.emplace_back("count_include_pad", int64_t{1});
  EXPECT_THAT(pooled("AveragePool", inside), ElementsAre(3, 2.25, 3.75, 2.25));
  EXPECT_THAT(pooled("GlobalAveragePool", {}), ElementsAre(5));
  EXPECT_THAT(pooled("ReduceMean", {{"axes", Ints{3}}}), ElementsAre(2, 5, 8));
}

TEST(ImportOnnx, KnownImagesAreComputedWith) {
  Net net;
  net.input("x", {1, 1, 2, 2}).output("y");
  net.floats("k", {1, 1, 2, 2}, {1, 2, 3, 4}).floats("w", {1, 1, 1, 1}, {2});
  net.node("Conv", {"k", "w"}, {"c"});
  net.node("MaxPool", {"k"}, {"m"}, {{"kernel_shape", Ints{2, 2}}});
  net.node("Add", {"x", "c"}, {"a"}).node("Add", {"a", "m"}, {"y"});
  EXPECT_THAT(computed(net, {10, 20, 30, 40}), ElementsAre(16, 28, 40, 52));
}

TEST(ImportOnnx, PartsOfOtherFormsAreJoined) {
  Net net(11);
  net.input("x", {1, 2}).output("y");
  net.node("ReduceSum", {"x"}, {"sum"}, {{"axes", Ints{0}}});
  net.node("Concat", {"x", "sum"}, {"y"}, {{"axis", int64_t{1}}});
  EXPECT_THAT(computed(net, {3, 5}), ElementsAre(3, 5, 3, 5));
}

TEST(ImportOnnx, TheFirstGreatestElementIsChosen) {
  Net net;
  net.input("x", {1, 4}).output("y", TensorProto::INT64);
  net.integers("k", TensorProto::INT64, {1}, {1});
  net.node("TopK", {"x", "k"}, {"values", "y"});
  EXPECT_THAT(computed(net, {1, 7, -3, 7}), ElementsAre(1));
  EXPECT_THAT(computed(net, {-1, -7, -3, 0}), ElementsAre(3));
}

TEST(ImportOnnx, FourBitsArePackedFromTheLowEnd) {
  Net net(21);
  net.input("x", {1, 3}, TensorProto::UINT8).output("y", TensorProto::INT32);
  constexpr int int4 = 22;
  // -8, 7 and 3: bytes 0x78 and 0x03.
  net.integers("w", int4, {3, 1}, {0x78, 0x03});
  net.node("MatMulInteger", {"x", "w"}, {"y"});
  EXPECT_THAT(computed(net, {1, 2, 10}), ElementsAre(36));
}

TEST(ImportOnnx, ChannelsCanBeLast) {
  Net net;
  net.input("x", {1, 1, 2, 2}).output("y");
  net.floats("w", {1, 1, 1, 2}, {1, 10});
  net.node("Conv", {"x", "w"}, {"y"}, {}, "qonnx.custom_op.channels_last");
  EXPECT_THAT(computed(net, {1, 2, 3, 4}), ElementsAre(21, 43));
}

TEST(ImportOnnx, WhatIsNotSupportedIsNamed) {
  Net rnn;
  rnn.input("x", {1, 2}).output("y").node("LSTM", {"x"}, {"y"});
  EXPECT_EQ(whyRefused(rnn), "node 'LSTM_0' (LSTM): the operator is not "
                             "supported; replace it by others before export");
  Net escape;
  escape.input("x", {1, 2}).output("y").node("L\x1b[1m\n", {"x"}, {"y"});
  EXPECT_THAT(whyRefused(escape), HasSubstr("(L?[1m?): the operator"));
  Net linear;
  linear.input("x", {1, 1, 2, 2}).output("y").floats("s", {4}, {1, 1, 2, 2});
  linear.node("Resize", {"x", "", "s"}, {"y"},
              {{"mode", std::string("linear")}});
  EXPECT_EQ(whyRefused(linear), "node 'Resize_0' (Resize), 'mode': only "
                                "'nearest' is supported");
  Net channels;
  channels.input("x", {1, 3, 4, 4}).output("y");
  channels.floats("w", {1, 2, 1, 1}, {1, 1}).node("Conv", {"x", "w"}, {"y"});
  EXPECT_THAT(whyRefused(channels), HasSubstr("do not fit 3 channels"));
  Net many;
  many.input("x", {1, 1}).output("y");
  many.node("Concat", std::vector<std::string>(129, "x"), {"y"},
            {{"axis", int64_t{1}}});
  EXPECT_THAT(whyRefused(many), HasSubstr("it has 129 inputs, at most 128"));
  Net scalar;
  scalar.input("x", {}).output("y").floats("t", {1, 2}, {0, 1});
  scalar.node("MultiThreshold", {"x", "t"}, {"y"});
  EXPECT_THAT(whyRefused(scalar), HasSubstr("the input has no channels"));
}

TEST(ImportOnnx, BrokenFilesAreRefused) {
  EXPECT_THAT(imported("no model").message(), HasSubstr("no ONNX file"));
  Net circle;
  circle.input("x", {1}).output("y").node("Add", {"x", "y"}, {"y"});
  EXPECT_THAT(whyRefused(circle), HasSubstr("in a circle"));
  Net missing;
  missing.input("x", {1}).output("y").node("Add", {"x", "z"}, {"y"});
  EXPECT_THAT(whyRefused(missing), HasSubstr("'z', which nothing defines"));
  Net twice;
  twice.input("x", {1}).output("x").node("Identity", {"x"}, {"x"});
  EXPECT_THAT(whyRefused(twice), HasSubstr("defined twice"));
  Net nothing;
  nothing.input("x", {1}).output("x").floats("w", {1}, {1});
  nothing.node("Identity", {"w"}, {});
  EXPECT_THAT(whyRefused(nothing), HasSubstr("it has no output"));
  Net shorter;
  shorter.input("x", {1}).output("y").floats("w", {3}, {1, 2});
  EXPECT_THAT(whyRefused(shorter), HasSubstr("has 2 elements"));
  Net outside;
  outside.input("x", {1}).output("y");
  TensorProto &tensor = *outside.model.mutable_graph()->add_initializer();
  tensor.set_name("w");
  tensor.set_data_type(TensorProto::FLOAT);
  tensor.set_data_location(TensorProto::EXTERNAL);
  ::onnx::StringStringEntryProto &entry = *tensor.add_external_data();
  entry.set_key("location");
  entry.set_value("../secret");
  EXPECT_THAT(whyRefused(outside), HasSubstr("not a file beside the model"));
  Net inputs;
  inputs.input("x", {1}).input("x", {2}).output("y");
  inputs.node("Identity", {"x"}, {"y"});
  EXPECT_THAT(whyRefused(inputs), HasSubstr("the input 'x' is defined twice"));
  Net old(6);
  old.input("x", {1}).output("y").node("Identity", {"x"}, {"y"});
  EXPECT_THAT(whyRefused(old), HasSubstr("version 6, supported are those from "
                                         "7 on"));
}

// A file of data beside the model, and a link to one that lies elsewhere.
TEST(ImportOnnx, DataOutsideOfTheFile) {
  const TemporaryFolder folder;
  const TemporaryFolder elsewhere;
  const std::string data(8, '\0');
  for (const TemporaryFolder *each : {&folder, &elsewhere}) {
    std::ofstream(each->path() + "/data") << data;
  }
  std::filesystem::create_symlink("data", folder.path() + "/inside");
  std::filesystem::create_symlink(elsewhere.path() + "/data",
                                  folder.path() + "/outside");
  const auto whyNot = [&](const std::string &location) {
    Net net;
    net.input("x", {2}).output("y").node("Add", {"x", "w"}, {"y"});
    TensorProto &tensor = *net.model.mutable_graph()->add_initializer();
    tensor.set_name("w");
    tensor.add_dims(2);
    tensor.set_data_type(TensorProto::FLOAT);
    tensor.set_data_location(TensorProto::EXTERNAL);
    ::onnx::StringStringEntryProto &entry = *tensor.add_external_data();
    entry.set_key("location");
    entry.set_value(location);
    const std::string bytes = net.bytes();
    Program program("net");
    const Status status = importer::onnx::importModel(
        std::as_bytes(std::span(bytes)), folder.path(), {}, program);
    return status.ok() ? "" : status.message();
  };
  EXPECT_EQ(whyNot("data"), "");
  EXPECT_EQ(whyNot("inside"), "");
  EXPECT_THAT(whyNot("outside"),
              HasSubstr("a link that leads out of the model's folder"));
  EXPECT_THAT(whyNot(elsewhere.path() + "/data"),
              HasSubstr("not a file beside the model"));
}
