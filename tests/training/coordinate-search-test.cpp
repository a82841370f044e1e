// Coordinate descent over ternary weights: losses of changed networks are those
// of networks computed anew, and a sweep takes the best code of each weight.
#include "training/posttraining/CoordinateSearch.h"
#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lpgen::posttraining {
namespace {

constexpr int64_t images = 40;

/// 6 - 5 - 4 - 3 units; the last layer has codes beyond two bits.
std::vector<IntegerLinear> layers() {
  const std::vector<int64_t> sizes = {6, 5, 4, 3};
  std::vector<IntegerLinear> made;
  for (size_t l = 0; l + 1 < sizes.size(); ++l) {
    IntegerLinear layer;
    layer.name = "fc" + std::to_string(l + 1);
    layer.inputs = sizes[l];
    layer.outputs = sizes[l + 1];
    layer.input = {l == 0 ? -7 : 0, 7, 0.25F};
    layer.weightScale = 0.5F;
    layer.scale = 0.125F;
    const nn::RandomKey key = nn::RandomKey(4).of(layer.name);
    for (int64_t i = 0; i < layer.inputs * layer.outputs; ++i) {
      const uint64_t codes = l == 2 ? 7 : 4;
      layer.weights.push_back(int32_t(key.below(uint64_t(i), codes)) -
                              (l == 2 ? 3 : 2));
    }
    for (int64_t o = 0; o < layer.outputs; ++o) {
      layer.bias.push_back(0.1F * key.of("bias").normal(uint64_t(o)));
    }
    made.push_back(std::move(layer));
  }
  return made;
}

std::vector<float> pixels() {
  std::vector<float> values;
  values.reserve(images * 6);
  for (uint64_t i = 0; i < images * 6; ++i) {
    values.push_back(nn::RandomKey(5).normal(i));
  }
  return values;
}

std::vector<uint8_t> labels() {
  std::vector<uint8_t> values;
  values.reserve(images);
  for (uint64_t i = 0; i < images; ++i) {
    values.push_back(uint8_t(nn::RandomKey(6).below(i, 3)));
  }
  return values;
}

/// Image by image, as the text of IntegerLinear says.
double lossOf(const std::vector<IntegerLinear> &network) {
  double sum = 0;
  const std::vector<float> values = pixels();
  for (int64_t n = 0; n < images; ++n) {
    std::vector<float> x(values.begin() + n * 6, values.begin() + (n + 1) * 6);
    for (const IntegerLinear &layer : network) {
      std::vector<float> y;
      for (int64_t o = 0; o < layer.outputs; ++o) {
        int32_t dot = 0;
        for (int64_t k = 0; k < layer.inputs; ++k) {
          const float v =
              std::nearbyint(std::min(std::max(x[size_t(k)] / layer.input.scale,
                                               float(layer.input.lowest)),
                                      float(layer.input.highest)));
          dot += int32_t(v) * layer.weights[size_t(o * layer.inputs + k)];
        }
        y.push_back(float(dot) * layer.scale + layer.bias[size_t(o)]);
      }
      x = y;
    }
    const float most = *std::ranges::max_element(x);
    double total = 0;
    for (const float score : x) {
      total += std::exp(double(score - most));
    }
    sum += std::log(total) - double(x[labels()[size_t(n)]] - most);
  }
  return sum / double(images);
}

TEST(CoordinateSearch, ChangesAreThoseOfANetworkComputedAnew) {
  CoordinateSearch search(layers(), pixels(), labels());
  EXPECT_EQ(search.loss(), lossOf(layers()));
  int different = 0;
  for (size_t l = 0; l < 3; ++l) {
    for (int64_t i = 0; i < layers()[l].inputs * layers()[l].outputs; ++i) {
      std::vector<IntegerLinear> changed = layers();
      changed[l].weights[size_t(i)] = 1;
      const int64_t inputs = changed[l].inputs;
      const double loss = lossOf(changed);
      EXPECT_EQ(search.lossWith(l, i / inputs, i % inputs, 1), loss)
          << l << " " << i;
      different += loss != search.loss();
    }
  }
  EXPECT_GT(different, 30);
}

TEST(CoordinateSearch, ASweepFindsTheBestCodeOfEachWeightInTurn) {
  CoordinateSearch search(layers(), pixels(), labels());
  EXPECT_TRUE(search.layers()[1].hasTwoBits());
  EXPECT_FALSE(search.layers()[2].hasTwoBits());
  const int64_t clipped = search.makeTernary(1);
  EXPECT_EQ(clipped, std::ranges::count(layers()[1].weights, -2));
  EXPECT_GT(clipped, 0);

  // The same by hand.
  std::vector<IntegerLinear> network = search.layers();
  EXPECT_EQ(search.loss(), lossOf(network));
  const nn::RandomKey key(8);
  int64_t changed = 0;
  for (const int64_t i : key.permutation(20)) {
    const int32_t before = network[1].weights[size_t(i)];
    int32_t best = before;
    double least = lossOf(network);
    for (int32_t code = -1; code <= 1; ++code) {
      network[1].weights[size_t(i)] = code;
      const double loss = lossOf(network);
      if (loss < least) {
        least = loss;
        best = code;
      }
    }
    network[1].weights[size_t(i)] = best;
    changed += best != before;
  }
  const double before = search.loss();
  const CoordinateSearch::Sweep sweep = search.sweep(1, key);
  EXPECT_EQ(sweep.tried, 40);
  EXPECT_EQ(sweep.changed, changed);
  EXPECT_GT(changed, 2);
  EXPECT_EQ(search.layers()[1].weights, network[1].weights);
  EXPECT_EQ(search.layers()[0].weights, network[0].weights);
  EXPECT_EQ(search.loss(), lossOf(network));
  EXPECT_LT(search.loss(), before);
}

} // namespace
} // namespace lpgen::posttraining
