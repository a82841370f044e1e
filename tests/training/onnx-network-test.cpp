// Float networks of ONNX files as layers of training, beside what the importer
// makes of the same files.
#include "base/system/AtomicFile.h"
#include "tests/TemporaryFolder.h"
#include "tests/unit/OnnxTesting.h"
#include "training/contractions/FloatBackend.h"
#include "training/models/OnnxNetwork.h"
#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lpgen::nn {
namespace {

using importer::testing::computed;
using importer::testing::Ints;
using importer::testing::Net;
using ::testing::HasSubstr;

constexpr int64_t images = 3;
constexpr int64_t channels = 2;
constexpr int64_t classes = 4;

std::vector<float> randomFloats(int64_t count, uint64_t seed) {
  std::vector<float> values(static_cast<size_t>(count));
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = RandomKey(seed).normal(i);
  }
  return values;
}

/// Images of 6 x 6 pixels with channels first, numbers that nodes share.
Net begun(int64_t opset = 13) {
  Net net(opset);
  net.input("x", {0, channels, 6, 6}).output("y");
  net.floats("w", {3, channels, 3, 3}, randomFloats(54, 1));
  net.floats("b", {3}, randomFloats(3, 2));
  for (const char *name : {"gamma", "beta", "mean"}) {
    net.floats(name, {3}, randomFloats(3, uint64_t(name[0])));
  }
  net.floats("variance", {3}, {0.5F, 1, 2});
  net.floats("byChannel", {1, 3, 1, 1}, randomFloats(3, 7));
  net.floats("ofImage", {1, channels, 1, 1}, {0.5F, 3});
  net.integers("axes", ::onnx::TensorProto::INT64, {2}, {2, 3});
  return net;
}

/// A matrix product behind a tensor of so many elements.
void finish(Net &net, const std::string &from, int64_t elements) {
  net.floats("fc", {classes, elements}, randomFloats(classes * elements, 9));
  net.floats("fcBias", {classes}, randomFloats(classes, 10));
  net.node("Gemm", {from, "fc", "fcBias"}, {"y"}, {{"transB", int64_t{1}}});
}

/// The pads of a 3 x 3 window that keeps the size.
const Ints &same() {
  static const Ints pads = {1, 1, 1, 1};
  return pads;
}

/// `mean` and `deviation` as by default: the input is the pixel.
Result<OnnxNetwork> openedBytes(const std::string &bytes,
                                const std::vector<float> &mean = {0},
                                const std::vector<float> &deviation = {1}) {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/net.onnx";
  EXPECT_TRUE(writeFileAtomically(path, bytes).ok());
  return OnnxNetwork::open(path, 6, 6, channels, mean, deviation);
}

Result<OnnxNetwork> opened(const Net &net) { return openedBytes(net.bytes()); }

Result<std::unique_ptr<Layer>> built(const OnnxNetwork &network) {
  ModelSpec spec;
  spec.name = "net";
  spec.classes = classes;
  return network.build(
      spec,
      [](const LayerSpec &layer)
          -> Result<std::unique_ptr<ContractionBackend>> {
        return std::unique_ptr<ContractionBackend>(
            std::make_unique<FloatBackend>(layer.geometry));
      },
      RandomKey(1));
}

/// Layers and importer give the same scores of random pixels.
void expectEqual(const Net &net) {
  const Result<OnnxNetwork> network = opened(net);
  ASSERT_TRUE(network.ok()) << network.message();
  const Result<std::unique_ptr<Layer>> layers = built(*network);
  ASSERT_TRUE(layers.ok()) << layers.message();
  std::vector<double> input; // With channels first.
  FloatTensor x({images, 6, 6, channels});
  for (int64_t i = 0; i < images * channels * 36; ++i) {
    const auto pixel = double(RandomKey(4).below(uint64_t(i), 256));
    input.push_back(pixel);
    const int64_t channel = i / 36 % channels;
    const OnnxImages &seen = network->images();
    x[(i / (36 * channels) * 36 + i % 36) * channels + channel] = float(
        seen.gain[size_t(channel)] * pixel + seen.offset[size_t(channel)]);
  }
  FloatTensor scores;
  StepContext context;
  context.mode = Mode::Evaluate;
  ASSERT_TRUE((*layers)->forward(x, scores, context).ok());
  const std::vector<double> expected = computed(net, input, {}, images);
  ASSERT_EQ(scores.size(), int64_t(expected.size()));
  double greatest = 0;
  for (const double value : expected) {
    greatest = std::max(greatest, std::abs(value));
  }
  EXPECT_GT(greatest, 1);
  for (int64_t i = 0; i < scores.size(); ++i) {
    EXPECT_NEAR(double(scores[i]), expected[size_t(i)], 2e-6 * greatest)
        << "score " << i;
  }
}

/// Why the network cannot be taken; "" if it can.
std::string whyNot(const Net &net) {
  const Result<OnnxNetwork> network = opened(net);
  if (!network.ok()) {
    return network.message();
  }
  const Result<std::unique_ptr<Layer>> layers = built(*network);
  return layers.ok() ? "" : layers.message();
}

TEST(OnnxNetwork, TakesConvolutionNormReluPoolAndGemm) {
  Net net = begun();
  net.node("Conv", {"x", "w", "b"}, {"c"}, {{"pads", same()}});
  net.node("BatchNormalization", {"c", "gamma", "beta", "mean", "variance"},
           {"n"}, {{"epsilon", 0.01F}});
  net.node("Relu", {"n"}, {"r"});
  net.node("MaxPool", {"r"}, {"p"},
           {{"kernel_shape", Ints{2, 2}}, {"strides", Ints{2, 2}}});
  net.node("Flatten", {"p"}, {"f"});
  finish(net, "f", 27);
  expectEqual(net);
}

TEST(OnnxNetwork, PutsNumbersByChannelIntoWeightsAndPixels) {
  Net net = begun();
  net.floats("two", {}, {2});
  net.node("Div", {"x", "two"}, {"h"});
  net.node("Sub", {"h", "ofImage"}, {"m"});
  net.node("Conv", {"m", "w"}, {"c"}, {{"strides", Ints{2, 2}}});
  net.node("Mul", {"c", "byChannel"}, {"s"});
  net.node("Sub", {"byChannel", "s"}, {"d"});
  net.node("Add", {"d", "byChannel"}, {"a"});
  net.node("Div", {"a", "two"}, {"q"});
  net.node("Relu", {"q"}, {"r"});
  net.node("Flatten", {"r"}, {"f"});
  net.floats("matrix", {12, classes}, randomFloats(12 * classes, 8));
  net.floats("last", {classes}, randomFloats(classes, 5));
  net.node("MatMul", {"f", "matrix"}, {"l"});
  net.node("Add", {"last", "l"}, {"y"});
  expectEqual(net);
}

TEST(OnnxNetwork, TakesBranchesWithAndWithoutWeights) {
  for (const bool hasShortcut : {false, true}) {
    Net net = begun();
    net.floats("w2", {3, 3, 3, 3}, randomFloats(81, 3));
    net.floats("w3", {3, 3, 1, 1}, randomFloats(9, 4));
    net.node("Conv", {"x", "w"}, {"c"}, {{"pads", same()}});
    net.node("Relu", {"c"}, {"r"});
    net.node("Conv", {"r", "w2"}, {"c2"},
             {{"auto_pad", std::string("SAME_UPPER")}});
    std::string shortcut = "r";
    if (hasShortcut) {
      net.node("Conv", {"r", "w3", "b"}, {"c3"});
      shortcut = "c3";
    }
    net.node("Add", {shortcut, "c2"}, {"sum"});
    net.node("Relu", {"sum"}, {"r2"});
    net.node("Conv", {"r2", "w2"}, {"c4"}, {{"pads", same()}});
    net.node("Add", {"c4", "r2"}, {"sum2"}); // no relu behind it
    net.node("GlobalAveragePool", {"sum2"}, {"g"});
    net.node("Squeeze", {"g", "axes"}, {"f"});
    finish(net, "f", 3);
    expectEqual(net);
  }
}

TEST(OnnxNetwork, TakesShortcutsOfZeros) {
  Net net = begun();
  const auto whole = [&](const std::string &name, const Ints &values) {
    net.integers(name, ::onnx::TensorProto::INT64, {int64_t(values.size())},
                 values);
  };
  whole("zero", {0});
  whole("end", {1000});
  whole("rows", {2});
  whole("columns", {3});
  whole("step", {2});
  whole("pads", {0, 0, 0, 0, 0, 1, 0, 0});
  net.node("Conv", {"x", "w"}, {"c"},
           {{"pads", same()}, {"strides", Ints{2, 2}}});
  net.node("Slice", {"x", "zero", "end", "rows", "step"}, {"s"});
  net.node("Slice", {"s", "zero", "end", "columns", "step"}, {"t"});
  net.node("Pad", {"t", "pads"}, {"p"});
  net.node("Add", {"c", "p"}, {"sum"});
  net.node("AveragePool", {"sum"}, {"g"}, {{"kernel_shape", Ints{3, 3}}});
  net.node("Flatten", {"g"}, {"f"});
  finish(net, "f", 3);
  expectEqual(net);
}

TEST(OnnxNetwork, FlattensByPixelAndByComputedShape) {
  Net net = begun();
  net.integers("count", ::onnx::TensorProto::INT64, {1}, {-1});
  net.integers("first", ::onnx::TensorProto::INT64, {1}, {0});
  net.node("Conv", {"x", "w"}, {"c"});
  net.node("Transpose", {"c"}, {"t"}, {{"perm", Ints{0, 2, 3, 1}}});
  net.node("Shape", {"t"}, {"shape"});
  net.node("Gather", {"shape", "first"}, {"n"});
  net.node("Concat", {"n", "count"}, {"wanted"}, {{"axis", int64_t{0}}});
  net.node("Reshape", {"t", "wanted"}, {"f"});
  finish(net, "f", 48);
  net.node("Identity", {"y"}, {"z"});
  expectEqual(net);
}

TEST(OnnxNetwork, SeesPixelsAsTheFileOrTheCallerSays) {
  Net net = begun();
  net.node("Mul", {"x", "ofImage"}, {"m"}); // 0.5 and 3
  net.node("Conv", {"m", "w"}, {"c"});
  net.node("GlobalAveragePool", {"c"}, {"g"});
  net.node("Flatten", {"g"}, {"f"});
  finish(net, "f", 3);
  using ::testing::DoubleEq;
  using ::testing::ElementsAre;
  // Of floats: pixel / 255.
  const Result<OnnxNetwork> network = openedBytes(net.bytes(), {}, {});
  ASSERT_TRUE(network.ok()) << network.message();
  EXPECT_THAT(network->images().gain,
              ElementsAre(DoubleEq(0.5 / 255), DoubleEq(3.0 / 255)));
  EXPECT_THAT(network->images().offset, ElementsAre(0, 0));
  const Result<OnnxNetwork> given = openedBytes(net.bytes(), {4, 8}, {2});
  ASSERT_TRUE(given.ok()) << given.message();
  EXPECT_THAT(given->images().gain, ElementsAre(0.25, 1.5));
  EXPECT_THAT(given->images().offset, ElementsAre(-1, -12));
  const Result<OnnxNetwork> wrong = openedBytes(net.bytes(), {1, 2, 3}, {});
  ASSERT_FALSE(wrong.ok());
  EXPECT_THAT(wrong.message(), HasSubstr("one for each of the 2 channels"));
}

TEST(OnnxNetwork, SaysWhichNodeIsNotTaken) {
  const auto after = [](const std::string &operation,
                        std::vector<std::string> inputs,
                        const importer::testing::Attributes &attributes = {}) {
    Net net = begun();
    net.node("Conv", {"x", "w"}, {"c"}, {{"pads", same()}});
    inputs.insert(inputs.begin(), "c");
    net.node(operation, inputs, {"o"}, attributes, "", "odd one");
    net.node("GlobalAveragePool", {"o"}, {"g"});
    net.node("Flatten", {"g"}, {"f"});
    finish(net, "f", 3);
    return whyNot(net);
  };
  EXPECT_EQ(after("Relu", {}), "");
  EXPECT_THAT(after("Sigmoid", {}),
              HasSubstr("node 'odd one' ('Sigmoid'): it is not quantized: "
                        "expected Conv, Gemm"));
  EXPECT_THAT(after("Add", {"c"}), HasSubstr("node 'odd one' ('Add'): "));
  EXPECT_THAT(after("Mul", {"w"}), HasSubstr("not one, or one for each"));
  EXPECT_THAT(
      after("MaxPool", {}, {{"kernel_shape", Ints{3, 3}}, {"pads", same()}}),
      HasSubstr("a square one with one stride and no padding"));
  EXPECT_THAT(after("Softmax", {}), HasSubstr("it is not the end"));
  EXPECT_THAT(after("Transpose", {}, {{"perm", Ints{0, 1, 3, 2}}}),
              HasSubstr("it does not move the channels"));
}

TEST(OnnxNetwork, SaysWhatOfANodeIsNotTaken) {
  const auto conv = [](const importer::testing::Attributes &attributes) {
    Net net = begun();
    net.floats("grouped", {2, 1, 3, 3}, randomFloats(18, 3));
    net.node("Conv",
             {"x", !attributes.empty() && attributes[0].first == "group"
                       ? "grouped"
                       : "w"},
             {"c"}, attributes, "", "conv");
    net.node("GlobalAveragePool", {"c"}, {"g"});
    net.node("Flatten", {"g"}, {"f"});
    finish(net, "f", 3);
    return whyNot(net);
  };
  EXPECT_EQ(conv({}), "");
  EXPECT_THAT(conv({{"group", int64_t{2}}}),
              HasSubstr("node 'conv' ('Conv'): its channels are in 2 groups"));
  EXPECT_THAT(conv({{"dilations", Ints{2, 2}}}), HasSubstr("no dilation"));
  EXPECT_THAT(conv({{"pads", Ints{0, 0, 1, 1}}}), HasSubstr("one padding"));
  EXPECT_THAT(conv({{"strides", Ints{1, 2}}}), HasSubstr("one stride"));
  EXPECT_THAT(conv({{"pads", Ints{9, 9, 9, 9}}}), HasSubstr("one padding"));
  Net wrong = begun();
  wrong.node("Flatten", {"x"}, {"f"});
  finish(wrong, "f", 71);
  EXPECT_THAT(whyNot(wrong), HasSubstr("71 elements, and is given [n, 72]"));
  Net other(13);
  other.input("x", {0, 3, 6, 6}).output("y").node("Flatten", {"x"}, {"y"});
  EXPECT_THAT(whyNot(other), HasSubstr("takes no images of 6 rows"));
  Net infinite = begun();
  infinite.floats("big", {classes, 72},
                  std::vector<float>(size_t(classes) * 72, HUGE_VALF));
  infinite.node("Flatten", {"x"}, {"f"});
  infinite.node("Gemm", {"f", "big"}, {"y"}, {{"transB", int64_t{1}}});
  EXPECT_THAT(whyNot(infinite), HasSubstr("not all finite"));
}

TEST(OnnxNetwork, DamagedFilesAreErrorsOrNetworks) {
  Net net = begun();
  net.floats("w2", {3, 3, 3, 3}, randomFloats(81, 3));
  net.node("Conv", {"x", "w"}, {"c"}, {{"pads", same()}});
  net.node("BatchNormalization", {"c", "gamma", "beta", "mean", "variance"},
           {"n"});
  net.node("Relu", {"n"}, {"r"});
  net.node("Conv", {"r", "w2"}, {"c2"}, {{"pads", same()}});
  net.node("Add", {"c2", "r"}, {"sum"});
  net.node("MaxPool", {"sum"}, {"p"},
           {{"kernel_shape", Ints{2, 2}}, {"strides", Ints{2, 2}}});
  net.node("ReduceMean", {"p"}, {"g"},
           {{"axes", Ints{2, 3}}, {"keepdims", int64_t{0}}});
  finish(net, "g", 3);
  const std::string whole = net.bytes();
  int64_t refused = 0;
  constexpr int64_t cases = 250;
  for (int64_t number = 0; number < cases; ++number) {
    const RandomKey key = RandomKey(11).of(uint64_t(number));
    std::string bytes = whole;
    for (uint64_t i = 0; i <= key.below(0, 3); ++i) {
      bytes[key.below(3 * i + 1, bytes.size())] =
          char(key.below(3 * i + 2, 256));
    }
    const Result<OnnxNetwork> network = openedBytes(bytes);
    const bool isTaken = network.ok() && built(*network).ok();
    refused += isTaken ? 0 : 1;
  }
  EXPECT_GT(refused, cases / 10);
  EXPECT_LT(refused, cases);
}

} // namespace
} // namespace lpgen::nn
