// Images that are moved to mislead: bounds, direction, and what training
// against them is good for.
#include "tests/training/SmallRuns.h"
#include "training/layers/Loss.h"
#include "training/loop/Adversary.h"
#include "training/models/Models.h"
#include "training/policies/Policies.h"
#include <gmock/gmock.h>
#include <map>

namespace lpgen::train {
namespace {

using ::testing::HasSubstr;

TEST(Adversary, MovesWithinItsBoundsAndRaisesTheLoss) {
  const data::Dataset data = quarters(32);
  const auto policy = makePolicy("float32", {});
  nn::ModelSpec spec = {"mlp", 8, 8, 1, 4, nn::Activation::Relu, {}};
  spec.hasInputGradient = true;
  const auto network = nn::buildModel(
      spec,
      [&](const nn::LayerSpec &layer) { return (*policy)->makeBackend(layer); },
      nn::RandomKey(1));
  ASSERT_TRUE(network.ok()) << network.message();
  const auto lossOf = [&](const data::Batch &batch) {
    nn::FloatTensor scores;
    EXPECT_TRUE((*network)->forward(batch.images, scores, {}).ok());
    return nn::softmaxCrossEntropy(scores, batch.labels, 1, nullptr).sum;
  };
  data::Batch plain;
  data::readTrainingImages(data, 0, 32, nullptr, plain);
  const double before = lossOf(plain);
  double after = before;
  for (const double epsilon : {4.0, 32.0}) {
    data::Batch moved;
    data::readTrainingImages(data, 0, 32, nullptr, moved);
    ASSERT_TRUE(Adversary({epsilon, 3}, data).move(**network, moved, {}).ok());
    const float most = float(epsilon / 255) / data.deviation[0];
    int atBound = 0;
    for (int64_t i = 0; i < moved.images.size(); ++i) {
      const float change = moved.images[i] - plain.images[i];
      ASSERT_LE(std::fabs(change), most * 1.0001F) << i;
      ASSERT_GE(moved.images[i], data.normalized(0, 0)) << i;
      ASSERT_LE(moved.images[i], data.normalized(255, 0)) << i;
      atBound += std::fabs(change) > 0.999F * most ? 1 : 0;
    }
    EXPECT_GT(atBound, moved.images.size() / 2);
    EXPECT_GT(lossOf(moved), after) << epsilon;
    after = lossOf(moved);
  }
}

/// Weights and statistics of one trainer for another.
void copyNetwork(Trainer &from, Trainer &to) {
  struct Copy : nn::StateVisitor {
    std::map<std::string, std::vector<std::byte>> pieces;
    bool fills = false;
    void visitBytes(const std::string &name,
                    std::span<std::byte> bytes) override {
      if (fills) {
        std::ranges::copy(pieces.at(name), bytes.data());
      } else {
        pieces[name] = {bytes.begin(), bytes.end()};
      }
    }
  } copy;
  from.visitNetwork(copy);
  copy.fills = true;
  to.visitNetwork(copy);
  to.showWeightsToPolicy();
}

TEST(Adversary, TrainingAgainstItMakesRobust) {
  const data::Dataset data = quarters(160);
  Config config = smallConfig("static");
  config.model = "mlp";
  const auto plain = makeTrainer(config, data, nullptr);
  runSteps(*plain, plain->totalSteps());
  config.adversary = "pgd<epsilon=40,steps=2>";
  const auto trained = makeTrainer(config, data, nullptr);
  const auto judged = makeTrainer(config, data, nullptr);
  runSteps(*trained, trained->totalSteps());
  copyNetwork(*plain, *judged);
  const Result<Totals> resists = trained->evaluateMoved();
  const Result<Totals> misled = judged->evaluateMoved();
  const Result<Totals> unmoved = judged->evaluate();
  ASSERT_TRUE(resists.ok() && misled.ok() && unmoved.ok());
  EXPECT_GT(unmoved->accuracy(), 0.9);
  EXPECT_LT(misled->accuracy(), unmoved->accuracy() - 0.1);
  EXPECT_GT(resists->accuracy(), misled->accuracy() + 0.05);
}

TEST(Adversary, WhatItCannotGoWithIsAnError) {
  const data::Dataset data = quarters(32);
  Config config = smallConfig("ottt");
  config.adversary = "pgd";
  EXPECT_THAT(Trainer::create(config, data, nullptr, &provider()).message(),
              HasSubstr("--adversary is not for spiking networks"));
  config.policy = "float32";
  config.optimizer = "svrg";
  EXPECT_THAT(Trainer::create(config, data, nullptr, &provider()).message(),
              HasSubstr("adversary would move images differently at each"));
  EXPECT_THAT(readAdversary("fgsm").message(),
              HasSubstr("unknown adversary 'fgsm', expected one of none, pgd"));
}

TEST(Schedule, SlowStartRisesToTheBaseAndDecaysFast) {
  const Result<Schedule> schedule = parseSchedule("slow-start");
  ASSERT_TRUE(schedule.ok());
  EXPECT_DOUBLE_EQ(learningRateAt(*schedule, 0.1, 0, 100), 0.1 * 0.05);
  EXPECT_DOUBLE_EQ(learningRateAt(*schedule, 0.1, 30, 100), 0.1 * 0.525);
  EXPECT_DOUBLE_EQ(learningRateAt(*schedule, 0.1, 60, 100), 0.1);
  EXPECT_NEAR(learningRateAt(*schedule, 0.1, 80, 100), 0.1 * 0.1, 1e-12);
  EXPECT_NEAR(learningRateAt(*schedule, 0.1, 100, 100), 0.1 * 0.01, 1e-12);
}

} // namespace
} // namespace lpgen::train
