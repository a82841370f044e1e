// Whole runs on a small data set: learning, equal weights on any number of
// threads and after a resume, diverging losses.
#include "tests/training/SmallRuns.h"
#include "training/loop/Checkpoint.h"
#include "training/loop/RunFolder.h"
#include <gmock/gmock.h>
#include <map>

namespace lpgen::train {
namespace {

using ::testing::HasSubstr;

class EveryPolicy : public ::testing::TestWithParam<std::string> {};

TEST_P(EveryPolicy, LearnsEquallyOnAnyNumberOfThreadsAndAfterAResume) {
  data::Dataset data = quarters(160);
  Config config = smallConfig(GetParam());
  if (config.policy == "accumulators") {
    config.model = "mlp"; // Float sums are emulated term by term.
  }
  ThreadPool one(1);
  ThreadPool three(3);

  const std::unique_ptr<Trainer> whole = makeTrainer(config, data, &one);
  runSteps(*whole, whole->totalSteps());
  const Result<Totals> test = whole->evaluate();
  ASSERT_TRUE(test.ok()) << test.message();
  EXPECT_GT(test->accuracy(), 0.5); // Chance is 0.25.

  const std::unique_ptr<Trainer> threads = makeTrainer(config, data, &three);
  runSteps(*threads, threads->totalSteps());
  EXPECT_EQ(weightsOf(*threads), weightsOf(*whole));

  // Interrupted in the middle of an epoch, resumed by another process.
  const TemporaryFolder folder;
  Result<RunFolder> first = RunFolder::open(folder.path());
  ASSERT_TRUE(first.ok());
  {
    const std::unique_ptr<Trainer> half = makeTrainer(config, data, &one);
    runSteps(*half, half->stepsPerEpoch() + 3);
    ASSERT_TRUE(first->save(*half).ok());
  }
  Result<RunFolder> second = RunFolder::open(folder.path());
  const Result<Config> stored = second->readConfig();
  ASSERT_TRUE(stored.ok()) << stored.message();
  EXPECT_EQ(*stored, config);
  const std::unique_ptr<Trainer> rest = makeTrainer(*stored, data, &three);
  const Status restored = second->restore(*rest);
  ASSERT_TRUE(restored.ok()) << restored.message();
  runSteps(*rest, rest->totalSteps());
  EXPECT_EQ(weightsOf(*rest), weightsOf(*whole));
  EXPECT_EQ(rest->epochTotals().loss, whole->epochTotals().loss);
}

/// One of each policy, and what their options and combinations change.
std::vector<std::string> everyPolicy() {
  std::vector<std::string> texts = {"apt<mode=2,rounding=nearest>",
                                    "dynasty<period=4>",
                                    "static<bits=4>",
                                    "static+accumulators<integers=exact>",
                                    "fp8<scale=1,floor=1>+adaptive-loss-scale",
                                    "fixed+adaptive-loss-scale"};
  for (const PolicyKind *kind : policyKinds()) {
    texts.emplace_back(kind->name);
  }
  for (const ExtensionKind *kind : extensionKinds()) {
    texts.emplace_back(kind->name);
  }
  return texts;
}

INSTANTIATE_TEST_SUITE_P(Policies, EveryPolicy,
                         ::testing::ValuesIn(everyPolicy()));

TEST(Trainer, AdamLearnsToo) {
  data::Dataset data = quarters(160);
  Config config = smallConfig("float32");
  config.optimizer = "adam";
  config.learningRate = 0.003;
  const std::unique_ptr<Trainer> trainer = makeTrainer(config, data, nullptr);
  runSteps(*trainer, trainer->totalSteps());
  EXPECT_GT(trainer->epochTotals().accuracy(), 0.5);
}

TEST(Trainer, MadamLearnsTooOnAnyNumberOfThreadsAndAfterAResume) {
  data::Dataset data = quarters(160);
  Config config = smallConfig("float32");
  config.optimizer = "madam";
  ThreadPool three(3);
  const std::unique_ptr<Trainer> whole = makeTrainer(config, data, nullptr);
  runSteps(*whole, whole->totalSteps());
  EXPECT_GT(whole->epochTotals().accuracy(), 0.5);
  EXPECT_EQ(weightsOf(*resumedRun(config, data, &three, 13)),
            weightsOf(*whole));
}

TEST(Hgq, TheCostIsThatOfBitOperations) {
  // Two layers of 8 and of 6 multiply-accumulates.
  const Result<std::unique_ptr<Policy>> policy =
      makePolicy("hgq<strength=7,bits=4>", {&provider()});
  ASSERT_TRUE(policy.ok()) << policy.message();
  auto backend = (*policy)->makeBackend({"a", ConvGeometry::linear(4, 2)});
  const auto other = (*policy)->makeBackend({"b", ConvGeometry::linear(2, 3)});
  ASSERT_TRUE(backend.ok() && other.ok());
  nn::FloatTensor x({2, 1, 1, 4});
  x[0] = 0.75F; // 4 bits.
  nn::FloatTensor w({2, 1, 1, 4});
  w[0] = 1; // 4 bits, and none of the other filter.
  w[1] = -0.5F;
  nn::FloatTensor y({2, 1, 1, 2});
  ASSERT_TRUE((*backend)->forward(x, w, y, {}).ok());
  EXPECT_EQ(y[0], 0.75F);
  // Without a gradient of the output only the cost is left:
  // 7 (8 / 2) / (8 + 6) bits, of f / 16.
  const nn::FloatTensor dy({2, 1, 1, 2});
  ASSERT_TRUE((*backend)->backward(x, w, dy, nullptr, nullptr, {}).ok());
  std::map<std::string, std::vector<float>> gradients;
  (*backend)->visitParameters([&](nn::Parameter &parameter) {
    gradients[parameter.name].assign(parameter.gradient.values().begin(),
                                     parameter.gradient.values().end());
  });
  EXPECT_EQ(gradients["a.input.fraction"], (std::vector<float>{0.5F}));
  EXPECT_EQ(gradients["a.weight.fraction"], (std::vector<float>{0.5F, 0}));
  EXPECT_EQ((*backend)->report().work.macs, 16);
  EXPECT_EQ((*backend)->report().work.bops, 2 * 4 * 4 * 4);
}

TEST(Trainer, DivergenceIsAnError) {
  data::Dataset data = quarters(64);
  for (const char *policy : {"float32", "apt"}) {
    Config config = smallConfig(policy);
    config.model = "mlp";
    config.learningRate = 1e30;
    const std::unique_ptr<Trainer> trainer = makeTrainer(config, data, nullptr);
    Status status;
    while (status.ok() && !trainer->isDone()) {
      status = trainer->runStep();
    }
    ASSERT_FALSE(status.ok()) << policy;
    EXPECT_THAT(status.message(), HasSubstr("the run diverged")) << policy;
    EXPECT_THAT(status.message(), HasSubstr("a smaller learning rate"));
  }
}

TEST(Trainer, ConfigErrors) {
  const data::Dataset data = quarters(64);
  const auto message = [&](auto change) {
    Config config = smallConfig("float32");
    change(config);
    const auto trainer = Trainer::create(config, data, nullptr, &provider());
    return trainer.ok() ? "" : trainer.message();
  };
  EXPECT_EQ(message([](Config &c) { c.batchSize = 65; }),
            "a batch of 65 images is more than the 64 training images of "
            "'quarters'; remedy: a smaller --batch");
  EXPECT_EQ(message([](Config &c) { c.schedule = "linear"; }),
            "unknown schedule 'linear', expected one of constant, step, "
            "cosine, slow-start");
  EXPECT_EQ(message([](Config &c) { c.schedule = "cosin"; }),
            "unknown schedule 'cosin', expected 'cosine'");
  EXPECT_EQ(message([](Config &c) { c.optimizer = "lion"; }),
            "unknown optimizer 'lion', expected one of sgd, adam, madam, "
            "svrg, lp-svrg, halp");
  EXPECT_EQ(message([](Config &c) { c.optimizer = "hlap<mu=4>"; }),
            "unknown optimizer 'hlap', expected 'halp'");
  EXPECT_EQ(message([](Config &c) { c.momentum = 1; }),
            "'momentum' must be from 0 to below 1");
  EXPECT_THAT(message([](Config &c) { c.policy = "int8"; }),
              HasSubstr("unknown policy 'int8', expected one of float32, apt"));
  EXPECT_EQ(message([](Config &c) { c.policy = "apt<mode=3>"; }),
            "policy 'apt': option 'mode' is '3', expected 1 or 2");
  EXPECT_EQ(message([](Config &c) { c.policy = "apt<threshold=2>"; }),
            "policy 'apt': option 'threshold' is '2', expected a number from 0 "
            "to 1");
  EXPECT_EQ(message([](Config &c) { c.policy = "float32<bits=8>"; }),
            "policy 'float32' has no option 'bits'; it has none");
  EXPECT_EQ(message([](Config &c) { c.policy = "apt+adaptive-loss-scale"; }),
            "policy 'adaptive-loss-scale' would change nothing on this policy, "
            "whose gradients have a scale that follows them; combine it with "
            "float32, fixed, mixed16 or fp8");
  EXPECT_THAT(message([](Config &c) { c.policy = "float32+apt"; }),
              HasSubstr("policy 'apt' cannot stand behind a '+'"));
  EXPECT_THAT(message([](Config &c) { c.policy = "mixed16+"; }),
              HasSubstr("there is no name"));
  EXPECT_THAT(message([](Config &c) { c.policy = "apt<mode>"; }),
              HasSubstr("option 'mode' is not KEY=VALUE"));
}

} // namespace
} // namespace lpgen::train
