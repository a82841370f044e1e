// Spiking networks: neurons by their formula, online gradients beside those
// through time, spikes in kernels of one bit, whole runs.
#include "tests/training/SmallRuns.h"
#include "training/layers/LeakySpikes.h"
#include "training/layers/Loss.h"
#include "training/loop/TimePasses.h"
#include "training/models/Models.h"
#include "training/quantizers/Spikes.h"
#include <cmath>
#include <gmock/gmock.h>

namespace lpgen::train {
namespace {

using ::testing::HasSubstr;

/// The slope that backward has for the step.
float slopeAt(float u) {
  const float sigma = 1.0F / (1.0F + std::exp(-4.0F * (u - 1.0F)));
  return 4.0F * sigma * (1.0F - sigma);
}

TEST(LeakySpikes, FollowTheFormulaInOnePassAndStepByStep) {
  // Two neurons, four steps: u is 0.6, 0.9, 1.25, 0.925 and 2, 1.5, 0.25,
  // 0.125.
  const std::vector<float> input = {0.6F, 2, 0.6F, 1, 0.8F, 0, 0.8F, 0};
  const std::vector<float> spikes = {0, 1, 0, 1, 1, 0, 0, 0};
  nn::LeakySpikes whole("s", nn::LeakySpikes::Gradient::ThroughTime);
  nn::LeakySpikes stepwise("s", nn::LeakySpikes::Gradient::Online);
  nn::StepContext context;
  nn::FloatTensor x({8, 1});
  std::ranges::copy(input, x.data());
  nn::FloatTensor y;
  context.time = {0, 4};
  ASSERT_TRUE(whole.forward(x, y, context).ok());
  EXPECT_TRUE(std::ranges::equal(y.values(), spikes));
  for (const int round : {1, 2}) { // A new batch begins anew.
    for (int64_t t = 0; t < 4; ++t) {
      nn::FloatTensor now({2, 1});
      std::copy_n(input.data() + 2 * t, 2, now.data());
      context.time = {t, 1};
      ASSERT_TRUE(stepwise.forward(now, y, context).ok());
      EXPECT_EQ(y[0], spikes[size_t(2 * t)]) << round << " " << t;
      EXPECT_EQ(y[1], spikes[size_t(2 * t + 1)]) << round << " " << t;
    }
  }
  nn::FloatTensor dy({8, 1});
  dy[4] = 1; // Of the first neuron at the third step.
  nn::FloatTensor dx;
  context.time = {0, 4};
  ASSERT_TRUE(whole.backward(dy, dx, context).ok());
  const float slope = slopeAt(1.25F);
  const std::vector<float> gradient = {slope / 4, 0, slope / 2, 0,
                                       slope,     0, 0,         0};
  for (size_t i = 0; i < gradient.size(); ++i) {
    EXPECT_NEAR(dx[int64_t(i)], gradient[i], 1e-5F) << i;
  }
  context.time = {3, 1};
  nn::FloatTensor last({2, 1});
  last[0] = 1;
  ASSERT_TRUE(stepwise.backward(last, dx, context).ok());
  EXPECT_NEAR(dx[0], slopeAt(0.925F), 1e-5F);
}

TEST(Spikes, AreCodesOfOneBitOrAnError) {
  const auto quantizer = quant::makeSpikes("fc.input");
  nn::FloatTensor x({3});
  x[1] = 1;
  quant::IntTensor q;
  ASSERT_TRUE(quantizer->quantize(x, {}, q).ok());
  EXPECT_EQ(q.codes(), (std::vector<int32_t>{0, 1, 0}));
  EXPECT_EQ(q.max(), 1);
  EXPECT_EQ(q.lowest(), 0);
  x[2] = 0.5F;
  EXPECT_EQ(quantizer->quantize(x, {}, q).message(),
            "tensor 'fc.input' holds values that are no spikes, 0 or 1");
}

/// Gradients of the first batch by parameter, and its loss.
struct Found {
  std::map<std::string, std::vector<float>> gradients;
  nn::LossValue loss;
};

Found gradientsOf(const std::string &text, const std::string &model) {
  const data::Dataset data = quarters(16);
  const auto policy = makePolicy(text, {&provider()});
  EXPECT_TRUE(policy.ok()) << policy.message();
  nn::ModelSpec spec = {model, 8, 8, 1, 4, (*policy)->activation(), {}};
  const auto network = nn::buildModel(
      spec,
      [&](const nn::LayerSpec &layer) { return (*policy)->makeBackend(layer); },
      nn::RandomKey(5));
  EXPECT_TRUE(network.ok()) << network.message();
  std::vector<nn::Parameter *> parameters;
  (*network)->visitParameters(
      [&](nn::Parameter &parameter) { parameters.push_back(&parameter); });
  data::Batch batch;
  data::readTrainingImages(data, 0, 16, nullptr, batch);
  Found found;
  const Status status =
      TimePasses((*policy)->timePlan())
          .findGradients(**network, parameters, batch, 1.0F, {}, found.loss);
  EXPECT_TRUE(status.ok()) << status.message();
  for (const nn::Parameter *parameter : parameters) {
    const auto values = parameter->gradient.values();
    found.gradients[parameter->name] = {values.begin(), values.end()};
  }
  return found;
}

double distance(const std::vector<float> &a, const std::vector<float> &b) {
  double difference = 0;
  double size = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    difference += std::pow(double(a[i]) - double(b[i]), 2);
    size += std::pow(double(b[i]), 2);
  }
  return std::sqrt(difference / size);
}

TEST(Ottt, GradientsAreThoseThroughTimeWhereNoOtherNeuronsFollow) {
  // sum(t) g[t] a[t] is sum(k) (sum(t >= k) leak^(t-k) g[t]) s[k]: the last
  // hidden layer and what follows have the exact gradients. The first layer has
  // not, since its spikes act on later steps through the second's membranes.
  const Found online = gradientsOf("ottt<steps=5>", "mlp");
  const Found exact =
      gradientsOf("ottt<steps=5,gradients=through-time>", "mlp");
  EXPECT_NEAR(online.loss.sum, exact.loss.sum, 1e-5);
  EXPECT_EQ(online.loss.correct, exact.loss.correct);
  for (const char *name : {"fc2.weight", "fc3.weight", "fc3.bias"}) {
    EXPECT_LT(distance(online.gradients.at(name), exact.gradients.at(name)),
              1e-5)
        << name;
  }
  const double first = distance(online.gradients.at("fc1.weight"),
                                exact.gradients.at("fc1.weight"));
  EXPECT_GT(first, 0.01);
  EXPECT_LT(first, 1);
}

TEST(Ottt, OneStepIsTheSameNetworkEitherWay) {
  const Found online = gradientsOf("ottt<steps=1>", "lenet");
  const Found exact =
      gradientsOf("ottt<steps=1,gradients=through-time>", "lenet");
  EXPECT_EQ(online.loss.sum, exact.loss.sum);
  EXPECT_EQ(online.gradients, exact.gradients);
}

TEST(Ottt, LearnsOnKernelsOfOneBit) {
  const data::Dataset data = quarters(160);
  Config config = smallConfig("ottt<steps=3>");
  const auto trainer = makeTrainer(config, data, nullptr);
  std::map<std::string, std::string> kernels;
  runSteps(*trainer, trainer->totalSteps());
  trainer->network().visitLayers([&](nn::Layer &layer) {
    if (layer.backend()) {
      kernels[layer.name()] = layer.backend()->report().implementations[0];
    }
  });
  EXPECT_GT(trainer->epochTotals().accuracy(), 0.6);
  const Result<Totals> test = trainer->evaluate();
  ASSERT_TRUE(test.ok()) << test.message();
  EXPECT_GT(test->accuracy(), 0.6);
  EXPECT_EQ(test->images, 160);
  EXPECT_THAT(kernels.at("conv1"), HasSubstr("conv_x64_w64_"));
  EXPECT_THAT(kernels.at("conv2"), HasSubstr("conv_x0to1_w8_"));
  EXPECT_THAT(kernels.at("fc"), HasSubstr("conv_x0to1_w64_"));
}

TEST(Ottt, RunsInTimeAndWhatIsNoPolicyDoesNot) {
  EXPECT_TRUE(hasTrait("ottt<gradients=through-time>", RunsInTime));
  EXPECT_FALSE(hasTrait("lsq<bits=4>", RunsInTime));
  EXPECT_FALSE(hasTrait("otto", RunsInTime));
}

TEST(Ottt, NeedsAChain) {
  const data::Dataset data = quarters(32);
  Config config = smallConfig("ottt");
  config.model = "resnet20";
  EXPECT_THAT(Trainer::create(config, data, nullptr, &provider()).message(),
              HasSubstr("spikes are for networks without shortcuts"));
}

} // namespace
} // namespace lpgen::train
