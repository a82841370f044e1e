// Networks as layers describe them: stages, their text, and what is refused.
#include "networks/NetworkBuilder.h"
#include <gtest/gtest.h>
#include <map>

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
      [](NetworkSink &main) {
        const ConvGeometry g = conv(4, 2, 4, 2);
        return main.addProduct("block.conv", g, integers(g));
      },
      [](NetworkSink &shortcut) {
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
  EXPECT_EQ(names,
            (std::vector<std::string>{"input", "conv1", "block.conv.codes",
                                      "block.conv", "pool", "fc"}));
  const std::string text = networkText(*made, "a network");
  for (const char *line :
       {"// a network\nparam N = 8 ",
        "const conv1_w: s3[2, 3, 3, 1] = \"conv1.w\"\n",
        "const block_conv_unit: f32 = \"block.conv.unit\"\n",
        "op conv<H, W, C, A, O, K, B, S = 1, P = 0>(\n"
        "    x: u{A}[?n <= N, H, W, C] pad(0),\n"
        "    w: s{B}[O, K, K, C],\n    unit: f32)\n",
        "  y[n,h,v,o] = max(acc[n,h,v,o] * unit, 0)\n",
        "    s: f32[?n <= N, HS, WS, CS] pad(0))\n",
        "  y[n,h,v,o] = acc[n,h,v,o] * unit + s[n, T*h, T*v, o + F]\n",
        "  acc[n,o] = sum(h, v, c) x[n,h,v,c] * w[o,h,v,c]\n",
        "  y[n,o] = acc[n,o] * gain[o] + offset[o]\n",
        "op net(\n    image: u8[?n <= N, 4, 4, 1])\n  -> (scores: f32[?n, 3]) "
        "{\n",
        "  input: u4 = look_up(image, input_table)\n",
        "  conv1 = conv<P = 1>(input, conv1_w, conv1_unit)\n",
        "  block_conv = conv_2<S = 2, P = 1, T = 2>(block_conv_codes, "
        "block_conv_w, block_conv_unit, conv1)\n",
        "  scores = linear("}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << "\n" << text;
  }
  std::map<std::string, std::vector<int64_t>> constants;
  for (const StoredConstant &constant : constantsOf(*made)) {
    constants[constant.name] = constant.values->shape();
  }
  EXPECT_EQ(constants["input.table"], (std::vector<int64_t>{256, 1}));
  EXPECT_EQ(constants["block.conv.unit"], (std::vector<int64_t>{}));
  EXPECT_EQ(constants["fc.w"], (std::vector<int64_t>{3, 1, 1, 4}));
}

/// A linear layer whose input has blocks of their own widths takes all pixels
/// for each, with zeros for those of the others.
TEST(NetworkBuilder, SpreadsBlocksOfPixels) {
  NetworkBuilder network = builder();
  const ConvGeometry g = conv(4, 1, 2, 1);
  ASSERT_TRUE(network.addProduct("conv1", g, integers(g)).ok());
  network.flatten();
  const ConvGeometry linear = ConvGeometry::linear(32, 3);
  ForwardOperands operands;
  for (const int64_t first : {0, 20}) {
    ForwardTerm term = integers(linear).terms[0];
    term.firstChannel = first;
    term.channels = first == 0 ? 20 : 12;
    term.weights.assign(size_t(3 * term.channels), 2);
    operands.terms.push_back(term);
  }
  ASSERT_TRUE(network.addProduct("fc", linear, operands).ok());
  const Result<Network> made = network.finish();
  ASSERT_TRUE(made.ok()) << made.message();
  std::map<std::string, const HostTensor *> constants;
  for (const StoredConstant &constant : constantsOf(*made)) {
    constants[constant.name] = constant.values;
  }
  ASSERT_TRUE(constants.contains("fc.term1.w") && constants.contains("fc.w"));
  for (int64_t i = 0; i < 96; ++i) {
    EXPECT_EQ(constants["fc.term1.w"]->getInt(i), i % 32 < 20 ? 2 : 0) << i;
    EXPECT_EQ(constants["fc.w"]->getInt(i), i % 32 < 20 ? 0 : 2) << i;
  }
}

/// Images of one channel become rows, where no layer needs their pixels.
TEST(NetworkBuilder, FlatImages) {
  NetworkBuilder network = builder();
  network.flatten();
  const ConvGeometry linear = ConvGeometry::linear(16, 3);
  ASSERT_TRUE(network.addProduct("fc", linear, integers(linear)).ok());
  const Result<Network> made = network.finish();
  ASSERT_TRUE(made.ok()) << made.message();
  const std::string text = networkText(*made, "a network");
  for (const char *line :
       {"op net(\n    image: u8[?n <= N, 16])", "  y[n,o] = table[x[n,o]]\n",
        "  acc[n,o] = sum(c) x[n,c] * w[o,c]\n"}) {
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
  const auto nothing = [](NetworkSink &) { return Status::success(); };
  EXPECT_EQ(network.addBranches("block", nothing, nothing).message(),
            "layer 'block' has no layer with weights beside its shortcut");
  EXPECT_EQ(network.finish().message(),
            "the network does not end in a layer with weights");
}

} // namespace
