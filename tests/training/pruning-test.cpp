// Dynamic hard pruning: how many units stay, that those that do nothing leave
// no trace, what networks it shrinks and how runs go on.
#include "tests/training/SmallRuns.h"
#include "training/loop/Pruning.h"
#include "training/loop/RunFolder.h"
#include <gmock/gmock.h>

namespace lpgen::train {
namespace {

using ::testing::HasSubstr;

TEST(Pruning, TextsAndTheirErrors) {
  EXPECT_FALSE(readPruning("none")->has_value());
  EXPECT_EQ((*readPruning("dynhp<keep=0.25,batch=stay>"))->keep, 0.25);
  EXPECT_EQ(readPruning("dynhp<keep=2>").message(),
            "pruning 'dynhp': option 'keep' is '2', expected a number from "
            "0.01 to 1");
  EXPECT_EQ(readPruning("lottery").message(),
            "unknown pruning 'lottery', expected one of none, dynhp");
  EXPECT_EQ(readPruning("dynph<keep=0.5>").message(),
            "unknown pruning 'dynph', expected 'dynhp'");
  const std::map<std::string, int64_t> widths = {{"fc1", 8}, {"fc2", 120}};
  EXPECT_EQ(widthsText(widths), "fc1=8,fc2=120");
  EXPECT_EQ(*readWidths("fc1=8,fc2=120"), widths);
  EXPECT_TRUE(readWidths("")->empty());
  for (const char *wrong : {"fc1", "fc1=", "=8", "fc1=0", "fc1=8;fc2=4"}) {
    EXPECT_FALSE(readWidths(wrong).ok()) << wrong;
  }
}

TEST(Pruning, UnitsFallByEqualFactors) {
  const PruningSpec spec = {.keep = 0.25, .until = 0.5};
  // 256 / 4^(1/4) is 181.02.
  const std::vector<int64_t> wanted = {256, 184, 128, 96, 64, 64};
  for (size_t epoch = 0; epoch < wanted.size(); ++epoch) {
    EXPECT_EQ(unitsAfter(spec, 256, int64_t(epoch), 8), wanted[epoch]) << epoch;
  }
  EXPECT_EQ(unitsAfter(spec, 6, 8, 8), 6); // Fewer than 8 stay.
}

TEST(Pruning, BatchesFillTheMemory) {
  const TrainingMemory memory = {1000, 10};
  EXPECT_EQ(batchThatFills(memory, memory.bytes(100), 16, 1000), 96);
  EXPECT_EQ(batchThatFills(memory, 0, 16, 1000), 16);
  EXPECT_EQ(batchThatFills(memory, memory.bytes(100), 16, 50), 48);
  const Result<TrainingMemory> mlp =
      trainingMemory({"mlp", 8, 8, 1, 4, nn::Activation::Relu, {}});
  EXPECT_EQ(mlp->weightBytes, 12 * (64 * 256 + 256 * 128 + 128 * 4));
  EXPECT_EQ(mlp->imageBytes, 8 * (64 + 256 + 256 + 128 + 128 + 4));
}

std::unique_ptr<Trainer> pruned(Trainer &trainer) {
  Result<std::unique_ptr<Trainer>> next = prune(trainer, nullptr, &provider());
  EXPECT_TRUE(next.ok()) << next.message();
  EXPECT_TRUE(*next);
  return std::move(*next);
}

class EveryChain : public ::testing::TestWithParam<std::string> {};

TEST_P(EveryChain, UnitsThatDoNothingLeaveNoTrace) {
  const data::Dataset data = quarters(640);
  Config config = smallConfig("float32");
  config.model = GetParam();
  config.pruning = "dynhp<keep=0.5,until=0>";
  const std::unique_ptr<Trainer> trainer = makeTrainer(config, data, nullptr);
  runSteps(*trainer, trainer->stepsPerEpoch());
  // Every second unit is of no effect: it is these that go.
  std::vector<nn::Parameter *> weights;
  for (nn::Parameter *parameter : trainer->parameters()) {
    if (parameter->value.shape().size() == 4) {
      weights.push_back(parameter);
    }
  }
  for (size_t layer = 0; layer + 1 < weights.size(); ++layer) {
    const int64_t units = weights[layer]->value.extent(0);
    nn::FloatTensor &next = weights[layer + 1]->value;
    for (int64_t i = 0; i < next.size(); ++i) {
      next[i] *= i % units % 2 == 1 ? 0.0F : 1.0F;
    }
  }
  const Result<Totals> before = trainer->evaluate();
  const std::unique_ptr<Trainer> next = pruned(*trainer);
  EXPECT_EQ(next->epoch(), 1);
  EXPECT_GT(next->config().imagesPerStep(), config.batchSize);
  EXPECT_LT(weightsOf(*next).size(), weightsOf(*trainer).size() * 3 / 4);
  const Result<Totals> after = next->evaluate();
  ASSERT_TRUE(before.ok() && after.ok());
  EXPECT_EQ(after->correct, before->correct);
  EXPECT_NEAR(after->loss, before->loss, 1e-4 * before->loss);
}

INSTANTIATE_TEST_SUITE_P(Models, EveryChain, ::testing::Values("mlp", "cnn"));

TEST(Pruning, RunsGoOnAndResume) {
  const data::Dataset data = quarters(640);
  Config config = smallConfig("static");
  config.model = "mlp";
  config.pruning = "dynhp<keep=0.25,until=0.5>";
  const auto trainEpochs = [&](std::unique_ptr<Trainer> trainer) {
    while (!trainer->isDone()) {
      runSteps(*trainer, (trainer->epoch() + 1) * trainer->stepsPerEpoch());
      Result<std::unique_ptr<Trainer>> next =
          prune(*trainer, nullptr, &provider());
      EXPECT_TRUE(next.ok()) << next.message();
      if (*next) {
        trainer = std::move(*next);
      }
    }
    return trainer;
  };
  const auto whole = trainEpochs(makeTrainer(config, data, nullptr));
  EXPECT_GT(whole->evaluate()->accuracy(), 0.5);
  EXPECT_EQ(whole->config().widths, "fc1=64,fc2=32");

  const std::unique_ptr<Trainer> first = makeTrainer(config, data, nullptr);
  runSteps(*first, first->stepsPerEpoch());
  const std::unique_ptr<Trainer> second = pruned(*first);
  runSteps(*second, second->step() + 2);
  const TemporaryFolder path;
  Result<RunFolder> folder = RunFolder::open(path.path());
  ASSERT_TRUE(folder->save(*second).ok());
  const Result<Config> stored = folder->readConfig();
  ASSERT_TRUE(stored.ok()) << stored.message();
  std::unique_ptr<Trainer> rest = makeTrainer(*stored, data, nullptr);
  const Status restored = folder->restore(*rest);
  ASSERT_TRUE(restored.ok()) << restored.message();
  EXPECT_EQ(weightsOf(*trainEpochs(std::move(rest))), weightsOf(*whole));
}

TEST(Pruning, WhatItDoesNotGoWith) {
  const data::Dataset data = quarters(64);
  Config config = smallConfig("float32");
  config.pruning = "dynhp";
  const auto message = [&](const char *model) {
    config.model = model;
    return Trainer::create(config, data, nullptr, &provider()).message();
  };
  EXPECT_THAT(message("resnet20"), HasSubstr("'resnet20' has shortcuts"));
  EXPECT_THAT(message("logistic"), HasSubstr("'logistic' has none"));
  config.pruning = "dynhp<keep=0>";
  EXPECT_THAT(message("mlp"), HasSubstr("option 'keep' is '0'"));
}

} // namespace
} // namespace lpgen::train
