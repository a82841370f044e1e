// Emulated arrays of resistive devices: reads beside exact products, what noise
// and bound management change, pulses.
#include "tests/training/SmallRuns.h"
#include "training/contractions/ResistiveBackend.h"
#include "training/policies/Policies.h"
#include <cmath>

namespace lpgen::train {
namespace {

using lpgen::testing::normalTensor;

/// Reads of a layer of 20 inputs and 500 outputs, for one image.
struct Reads {
  nn::LayerSpec layer{"fc", ConvGeometry::linear(20, 500)};
  nn::FloatTensor x = normalTensor({1, 1, 1, 20}, 1);
  nn::FloatTensor weight = normalTensor({500, 1, 1, 20}, 2);
  nn::FloatTensor exact{{1, 1, 1, 500}};
  nn::FloatTensor found{{1, 1, 1, 500}};

  explicit Reads(const nn::ResistiveArray &array, float size = 1) {
    for (float &value : x.values()) {
      value *= size;
    }
    nn::FloatBackend floats(layer.geometry);
    EXPECT_TRUE(floats.forward(x, weight, exact, {}).ok());
    nn::ResistiveBackend noisy(layer, array);
    EXPECT_TRUE(noisy.forward(x, weight, found, {}).ok());
  }
  /// Root mean square of the error.
  double error() const {
    double sum = 0;
    for (int64_t i = 0; i < 500; ++i) {
      sum += std::pow(double(found[i]) - double(exact[i]), 2);
    }
    return std::sqrt(sum / 500);
  }
  float greatest() const {
    float most = 0;
    for (const float y : found.values()) {
      most = std::max(most, std::fabs(y));
    }
    return most;
  }
  float greatestInput() const {
    float most = 0;
    for (const float value : x.values()) {
      most = std::max(most, std::fabs(value));
    }
    return most;
  }
};

TEST(Resistive, WithoutNoiseAndBoundsReadsAreExact) {
  const Reads reads({0, 1e6, false, false});
  EXPECT_EQ(reads.error(), 0);
}

TEST(Resistive, NoiseIsAbsoluteUnlessManaged) {
  for (const float size : {1.0F, 0.001F}) {
    EXPECT_NEAR(Reads({0.06, 1e6, false, false}, size).error(), 0.06, 0.01);
    const Reads managed({0.06, 1e6, true, false}, size);
    EXPECT_NEAR(managed.error() / double(managed.greatestInput()), 0.06, 0.01);
  }
}

TEST(Resistive, BoundsClipUnlessManaged) {
  const Reads clipped({0.0, 2, false, false});
  EXPECT_EQ(clipped.greatest(), 2);
  EXPECT_GT(clipped.error(), 1);
  const Reads managed({0.0, 2, false, true});
  EXPECT_LT(managed.error(), 1e-6);
  // Repeated reads have more noise: that of halved inputs.
  const Reads noisy({0.01, 2, false, true});
  EXPECT_GT(noisy.error(), 0.02);
  EXPECT_LT(noisy.error(), 0.2);
}

TEST(Resistive, PulsesAreRightOnAverageAndWithinBounds) {
  const auto policy = makePolicy("resistive<pulse=0.01,weight-bound=0.5>", {});
  ASSERT_TRUE(policy.ok()) << policy.message();
  constexpr int64_t size = 20000;
  nn::Parameter weight;
  weight.name = "fc.weight";
  weight.value.resize({size, 1, 1, 1});
  nn::Parameter bias;
  bias.name = "fc.bias";
  bias.value.resize({1});
  const std::vector<nn::Parameter *> all = {&weight, &bias};
  (*policy)->afterUpdate(all, {});
  for (float &value : weight.value.values()) {
    value = -0.025F; // Two or three pulses.
  }
  bias.value[0] = 0.123F;
  (*policy)->afterUpdate(all, {});
  double sum = 0;
  double squares = 0;
  for (const float value : weight.value.values()) {
    sum += double(value);
    squares += double(value) * double(value);
  }
  const double mean = sum / size;
  EXPECT_NEAR(mean, -0.025, 5 * 0.007 / std::sqrt(double(size)));
  // The number of pulses varies by half of one, and each by 30 %.
  EXPECT_NEAR(std::sqrt(squares / size - mean * mean),
              0.01 * std::sqrt(0.25 + 0.09 * 2.5), 0.0003);
  EXPECT_EQ(bias.value[0], 0.123F);
  for (float &value : weight.value.values()) {
    value = 3;
  }
  (*policy)->afterUpdate(all, {});
  for (const float value : weight.value.values()) {
    ASSERT_EQ(value, 0.5F);
  }
}

TEST(Resistive, ManagementLetsNetworksLearn) {
  const data::Dataset data = quarters(160);
  Config config = smallConfig("resistive<noise=0.3>");
  config.model = "mlp";
  config.momentum = 0;
  const auto lossOf = [&](const std::string &policy) {
    config.policy = policy;
    const auto trainer = makeTrainer(config, data, nullptr);
    runSteps(*trainer, trainer->totalSteps());
    return trainer->epochTotals().meanLoss();
  };
  EXPECT_LT(lossOf("resistive") * 1.1,
            lossOf("resistive<management=none,bound=1>"));
}

} // namespace
} // namespace lpgen::train
