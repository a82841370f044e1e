// A network as operators and as QONNX that is imported again: the same scores,
// bit for bit.
#include "base/tensor/SafetensorsWriter.h"
#include "networks/NetworkBuilder.h"
#include "networks/qonnx/QonnxBuilder.h"
#include "tests/TemporaryFolder.h"
#include "tests/unit/OnnxTesting.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <set>

using namespace lpgen;
using namespace lpgen::networks;
using ::testing::HasSubstr;
using Describe = std::function<Status(NetworkSink &)>;
using Form = QuantParams::Form;

namespace {

constexpr int64_t images = 2;
constexpr int64_t side = 4;
constexpr int64_t channels = 2;
constexpr int64_t classes = 3;

ImageFormat format() {
  ImageFormat made = {side, side,         channels,    classes,
                      {},   {0.3F, 0.5F}, {0.2F, 0.7F}};
  for (size_t c = 0; c < channels; ++c) {
    for (int pixel = 0; pixel < 256; ++pixel) {
      made.ofPixel.push_back((float(pixel) / 255.0F - made.mean[c]) /
                             made.deviation[c]);
    }
  }
  return made;
}

/// [images, side, side, channels], or with the channels before the pixels.
std::vector<double> pixels(bool areChannelsFirst) {
  std::vector<double> made;
  for (int64_t n = 0; n < images; ++n) {
    for (int64_t i = 0; i < side * side * channels; ++i) {
      const int64_t c = areChannelsFirst ? i / (side * side) : i % channels;
      const int64_t pixel = areChannelsFirst ? i % (side * side) : i / channels;
      made.push_back(double((n * 131 + c * 59 + pixel * pixel * 37) % 256));
    }
  }
  return made;
}

std::vector<double> byOperators(const Describe &describe) {
  NetworkBuilder builder(format(), images);
  const Status status = describe(builder);
  EXPECT_TRUE(status.ok()) << status.message();
  const Result<Network> network = builder.finish();
  EXPECT_TRUE(network.ok()) << network.message();
  std::vector<NamedTensor> tensors;
  for (const StoredConstant &constant : constantsOf(*network)) {
    tensors.push_back({constant.name, constant.values});
  }
  const TemporaryFolder folder;
  OutputFiles files;
  files.addIn(folder.path(), "net.lp", networkText(*network, "test"));
  addSafetensors(files, folder.path(), "net.safetensors", tensors);
  EXPECT_TRUE(files.commit().ok());
  return importer::testing::interpreted(folder.path(), pixels(false), images);
}

std::vector<double> byQonnx(const Describe &describe) {
  QonnxBuilder builder(format());
  const Status status = describe(builder);
  EXPECT_TRUE(status.ok()) << status.message();
  const Result<std::string> bytes = builder.finish();
  EXPECT_TRUE(bytes.ok()) << bytes.message();
  importer::testing::Net file;
  EXPECT_TRUE(file.model.ParseFromString(*bytes));
  return importer::testing::computed(file, pixels(true), {}, images);
}

void expectSameScores(const Describe &describe, const std::string &what = "") {
  SCOPED_TRACE(what);
  const std::vector<double> scores = byOperators(describe);
  EXPECT_EQ(byQonnx(describe), scores);
  // Scores that do not depend on the image would agree by accident.
  EXPECT_GT(std::set(scores.begin(), scores.end()).size(), size_t(classes));
}

std::string refusalOf(const Describe &describe) {
  QonnxBuilder builder(format());
  return describe(builder).message();
}

ConvGeometry conv(int64_t size, int64_t inputs, int64_t outputs,
                  int64_t stride = 1) {
  ConvGeometry g;
  g.height = g.width = size;
  g.channels = inputs;
  g.outputs = outputs;
  g.kernel = 3;
  g.stride = stride;
  g.padding = 1;
  return g;
}

QuantParams grid(int32_t lowest, int32_t highest, float scale,
                 Form form = Form::Divided) {
  return {lowest, highest, scale, form};
}

ForwardTerm term(const ConvGeometry &g, const QuantParams &input,
                 const QuantParams &weight, int64_t first, int64_t count) {
  ForwardTerm made = {first, count, input, weight, {}, {}};
  for (int64_t i = 0; i < g.outputs * g.kernel * g.kernel * count; ++i) {
    const int32_t code =
        int32_t(i * i * 5 + i * 3) % (weight.highest - weight.lowest + 1) +
        weight.lowest;
    made.weights.push_back(weight.isOdd ? code | 1 : code);
  }
  return made;
}

ForwardOperands operands(const ConvGeometry &g, const QuantParams &input,
                         const QuantParams &weight = grid(-3, 3, 0.5F)) {
  return {{term(g, input, weight, 0, g.channels)}, {}, {}, {}};
}

/// A convolution, a pool and a linear layer, all with the same operands.
std::string textOf(const QuantParams &q) {
  return std::to_string(q.lowest) + " to " + std::to_string(q.highest) +
         " of " + std::to_string(q.scale) + ", form " +
         std::to_string(int(q.form));
}

Describe small(const QuantParams &input,
               const QuantParams &weight = grid(-3, 3, 0.5F)) {
  return [=](NetworkSink &to) {
    const ConvGeometry g = conv(side, channels, 3);
    LPGEN_RETURN_IF_ERROR(to.addProduct("conv", g, operands(g, input, weight)));
    LPGEN_RETURN_IF_ERROR(
        to.addAffine("norm", {0.01F, 0.07F, -0.03F}, {0.01F, -0.2F, 0.4F}));
    LPGEN_RETURN_IF_ERROR(to.addMaxPool("pool", 2, 2));
    to.flatten();
    const ConvGeometry linear = ConvGeometry::linear(12, classes);
    ForwardOperands last = operands(linear, input, weight);
    last.terms[0].weightScales = {0.3F, 0.01F, 7.0F};
    LPGEN_RETURN_IF_ERROR(to.addProduct("fc", linear, last));
    return to.addBias("fc", std::vector<float>{0.1F, 0.2F, -0.3F});
  };
}

void expectSmall(const QuantParams &input,
                 const QuantParams &weight = grid(-3, 3, 0.5F)) {
  expectSameScores(small(input, weight), textOf(input) + "; " + textOf(weight));
}

TEST(Qonnx, FormsOfGrids) {
  expectSmall(grid(-7, 7, 0.3F));
  expectSmall(grid(-8, 7, 0.25F, Form::Multiplied));
  expectSmall(grid(-7, 7, 0.3F, Form::Multiplied));
  expectSmall(grid(0, 15, 0.11F));
  QuantParams clipped = grid(0, 7, 2.7F / 7.0F, Form::Clipped);
  clipped.top = 2.7F;
  expectSmall(clipped);
  QuantParams sign = grid(-1, 1, 1, Form::Sign);
  sign.isOdd = true;
  expectSmall(sign);
  // Codes that are a part of the integers of their width.
  expectSmall(grid(-5, 6, 0.3F));
  expectSmall(grid(0, 9, 0.3F, Form::Multiplied));
}

TEST(Qonnx, FormsOfWeights) {
  const QuantParams input = grid(-7, 7, 0.3F);
  expectSmall(input, grid(-128, 127, 0.01F));
  expectSmall(input, grid(0, 3, 0.1F));
  QuantParams odd = grid(-3, 3, 0.25F);
  odd.isOdd = true;
  expectSmall(input, odd);
  odd = grid(-1, 1, 0.1F);
  odd.isOdd = true;
  expectSmall(input, odd);
}

TEST(Qonnx, BlocksOfChannelsScalesOfFiltersAndRoundedSums) {
  expectSameScores([](NetworkSink &to) {
    const ConvGeometry g = conv(side, channels, 4);
    const QuantParams input = grid(-7, 7, 0.3F);
    LPGEN_RETURN_IF_ERROR(to.addProduct("conv", g, operands(g, input)));
    const ConvGeometry blocks = conv(side, 4, 2, 2);
    ForwardOperands parts;
    parts.terms = {term(blocks, grid(-7, 7, 0.3F), grid(-3, 3, 0.1F), 0, 1),
                   term(blocks, grid(-31, 31, 0.1F), grid(-1, 1, 0.7F), 1, 3)};
    parts.filterScales = {0.7F, 1.3F};
    parts.result = grid(-127, 127, 0.125F, Form::Multiplied);
    LPGEN_RETURN_IF_ERROR(to.addProduct("blocks", blocks, parts));
    to.flatten();
    const ConvGeometry linear = ConvGeometry::linear(8, classes);
    return to.addProduct("fc", linear, operands(linear, grid(-7, 7, 0.5F)));
  });
}

TEST(Qonnx, BranchesWithAShortcutOfFewerPixels) {
  expectSameScores([](NetworkSink &to) {
    const ConvGeometry first = conv(side, channels, 2);
    const QuantParams input = grid(-7, 7, 0.3F);
    LPGEN_RETURN_IF_ERROR(to.addProduct("conv", first, operands(first, input)));
    LPGEN_RETURN_IF_ERROR(to.addBranches(
        "block",
        [=](NetworkSink &main) {
          const ConvGeometry g = conv(side, 2, 4, 2);
          return main.addProduct("block.conv", g, operands(g, input));
        },
        [](NetworkSink &shortcut) {
          return shortcut.addPaddedPixels("block.pad", 2, 4);
        }));
    LPGEN_RETURN_IF_ERROR(to.addRelu("block"));
    LPGEN_RETURN_IF_ERROR(to.addAveragePool("pool", 2, 2));
    to.flatten();
    const ConvGeometry linear = ConvGeometry::linear(4, classes);
    return to.addProduct("fc", linear, operands(linear, input));
  });
}

TEST(Qonnx, FloatLayersBesideIntegers) {
  expectSameScores([](NetworkSink &to) {
    const ConvGeometry g = conv(side, channels, 2);
    ForwardOperands floats;
    for (int i = 0; i < 36; ++i) {
      floats.floatWeights.push_back(0.1F * float(i % 7) - 0.25F);
    }
    LPGEN_RETURN_IF_ERROR(to.addProduct("conv", g, floats));
    to.flatten();
    const ConvGeometry linear = ConvGeometry::linear(32, classes);
    return to.addProduct("fc", linear, operands(linear, grid(-7, 7, 0.3F)));
  });
}

TEST(Qonnx, WhatItHasNoNodesForIsRefused) {
  QuantParams following = grid(-7, 7, 1);
  following.followsBatch = true;
  EXPECT_THAT(refusalOf(small(following)),
              HasSubstr("layer 'conv' has scales that follow the batch"));
  QuantParams odd = grid(-3, 3, 0.25F);
  odd.isOdd = true;
  EXPECT_THAT(refusalOf(small(odd)), HasSubstr("rounds to odd numbers"));
  QonnxBuilder unfinished(format());
  EXPECT_THAT(unfinished.finish().message(),
              HasSubstr("does not end in a linear layer"));
}

} // namespace
