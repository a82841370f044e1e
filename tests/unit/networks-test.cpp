// Networks as layers describe them: stages, their text, and what is refused.
#include "networks/NetworkBuilder.h"
#include <gtest/gtest.h>

using namespace lpgen;
using namespace lpgen::networks;

namespace {

NetworkBuilder builder() {
  return {{4, 4, 1, 3, std::vector<float>(256, 0.5F)}, 8};
}

ConvGeometry conv(int64_t size, int64_t channels, int64_t outputs,
                  int64_t stride) {
  ConvGeometry g;
  g.height = g.width = size;
  g.channels = channels;
  g.outputs = outputs;
  g.kernel = 3;
  g.stride = stride;
  g.padding = 1;
  return g;
}

/// Codes of 4 bits, weights of 3.
ForwardOperands integers(const ConvGeometry &g) {
  ForwardTerm term;
  term.channels = g.channels;
  term.input = {0, 15, 0.25F};
  term.weight = {-3, 3, 0.5F};
  term.weights.assign(size_t(g.outputs * g.reduction()), 1);
  return {{term}, {}, {}, {}};
}

TEST(NetworkBuilder, BranchesWithAShortcutOfFewerPixels) {
  NetworkBuilder network = builder();
  ASSERT_TRUE(
      network.addProduct("conv1", conv(4, 1, 2, 1), integers(conv(4, 1, 2, 1)))
          .ok());
  ASSERT_TRUE(network.addRelu("relu1").ok());
  const Status block = network.addBranches(
      "block",
      [](NetworkBuilder &main) {
        const ConvGeometry g = conv(4, 2, 4, 2);
        return main.addProduct("block.conv", g, integers(g));
      },
      [](NetworkBuilder &shortcut) {
        return shortcut.addPaddedPixels("block.pad", 2, 4);
      });
  ASSERT_TRUE(block.ok()) << block.message();
  ASSERT_TRUE(network.addAveragePool("pool", 2, 2).ok());
  network.flatten();
  const ConvGeometry linear = ConvGeometry::linear(4, 3);
  ASSERT_TRUE(network.addProduct("fc", linear, integers(linear)).ok());
  const std::vector<float> biases = {1, 2, 3};
  ASSERT_TRUE(network.addBias("fc", biases).ok());
  const Result<Network> made = network.finish();
  ASSERT_TRUE(made.ok()) << made.message();
  std::vector<std::string> names;
  for (const Stage &stage : made->stages) {
    names.push_back(stage.name);
  }
  EXPECT_EQ(names, (std::vector<std::string>{"conv1", "block.conv.codes",
                                             "block.conv", "pool", "fc"}));
  const std::string text = networkText(*made);
  for (const char *line :
       {"op conv1(\n    x: u4[?n <= 8, 4, 4, 1] pad(0),\n"
        "    w: s3[2, 3, 3, 1] in [-3, 3],\n    unit: f32)\n"
        "  -> (y: f32[?n, 4, 4, 2]) {\n",
        "  y[n,h,v,o] = max(acc[n,h,v,o] * unit, 0)\n",
        "    s: f32[?n <= 8, 4, 4, 2] pad(0))\n",
        "  y[n,h,v,o] = acc[n,h,v,o] * unit + s[n, 2*h, 2*v, o + 0]\n",
        "  acc[n,o] = sum(c) x[n,c] * w[o,c]\n",
        "  y[n,o] = acc[n,o] * gain[o] + offset[o]\n"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << "\n" << text;
  }
}

TEST(NetworkBuilder, RefusesWhatHasNoStages) {
  NetworkBuilder network = builder();
  EXPECT_EQ(network.addMaxPool("pool", 2, 2).message(),
            "layer 'pool' pools what no layer with weights has made");
  EXPECT_EQ(network.addRelu("relu").message(),
            "layer 'relu' is of a kind, or at a place, that cannot be "
            "exported");
  ConvGeometry grouped = conv(4, 2, 2, 1);
  grouped.groups = 2;
  EXPECT_EQ(network.addProduct("conv", grouped, {}).message(),
            "layer 'conv' has groups");
  const auto nothing = [](NetworkBuilder &) { return Status::success(); };
  EXPECT_EQ(network.addBranches("block", nothing, nothing).message(),
            "layer 'block' has no layer with weights beside its shortcut");
  EXPECT_EQ(network.finish().message(),
            "the network does not end in a layer with weights");
}

} // namespace
