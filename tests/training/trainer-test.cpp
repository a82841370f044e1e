// Whole runs on a small data set: learning, equal weights on any number of
// threads and after a resume, checkpoints that are damaged, diverging losses.
#include "base/system/AtomicFile.h"
#include "base/system/Digest.h"
#include "tests/training/TrainingTesting.h"
#include "training/loop/Checkpoint.h"
#include "training/loop/RunFolder.h"
#include "training/policies/Policies.h"
#include <cstring>
#include <gmock/gmock.h>
#include <map>

namespace lpgen::train {
namespace {

using ::testing::HasSubstr;

/// Images of four classes: a bright quarter on noise.
data::Dataset quarters(int64_t images) {
  data::Dataset data;
  data.name = "quarters";
  data.height = data.width = 8;
  data.channels = 1;
  data.classes = 4;
  data.mean = {0.3F};
  data.deviation = {0.25F};
  const nn::RandomKey key(99);
  for (data::ImageSet *set : {&data.train, &data.test}) {
    set->count = images;
    const nn::RandomKey noise = key.of(set == &data.train ? "train" : "test");
    for (int64_t i = 0; i < images; ++i) {
      const auto label = uint8_t(noise.of("label").below(uint64_t(i), 4));
      set->labels.push_back(label);
      for (int64_t p = 0; p < 64; ++p) {
        const bool isBright =
            (p / 8 >= 4) == (label >= 2) && (p % 8 >= 4) == (label % 2 == 1);
        set->pixels.push_back(uint8_t(noise.below(uint64_t(i * 64 + p), 100) +
                                      (isBright ? 90 : 0)));
      }
    }
  }
  return data;
}

Config smallConfig(const std::string &policy) {
  Config config;
  config.model = "cnn";
  config.policy = policy;
  config.epochs = 3;
  config.batchSize = 16;
  config.learningRate = 0.01;
  return config;
}

KernelProvider &provider() {
  static KernelProvider kernels(testing::testCompiler());
  return kernels;
}

std::unique_ptr<Trainer>
makeTrainer(const Config &config, const data::Dataset &data, ThreadPool *pool) {
  Result<std::unique_ptr<Trainer>> trainer =
      Trainer::create(config, data, pool, &provider());
  EXPECT_TRUE(trainer.ok()) << trainer.message();
  return std::move(*trainer);
}

void runSteps(Trainer &trainer, int64_t until) {
  while (trainer.step() < until) {
    const Status status = trainer.runStep();
    ASSERT_TRUE(status.ok()) << status.message();
  }
}

std::vector<float> weightsOf(const Trainer &trainer) {
  std::vector<float> all;
  for (const nn::Parameter *parameter : trainer.parameters()) {
    all.insert(all.end(), parameter->value.values().begin(),
               parameter->value.values().end());
  }
  return all;
}

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
  const std::unique_ptr<Trainer> half = makeTrainer(config, data, &three);
  runSteps(*half, 13);
  const TemporaryFolder path;
  Result<RunFolder> folder = RunFolder::open(path.path());
  ASSERT_TRUE(folder->save(*half).ok());
  const std::unique_ptr<Trainer> rest = makeTrainer(config, data, &three);
  ASSERT_TRUE(folder->restore(*rest).ok());
  runSteps(*rest, rest->totalSteps());
  EXPECT_EQ(weightsOf(*rest), weightsOf(*whole));
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
            "unknown schedule 'linear', expected constant, step or cosine");
  EXPECT_EQ(message([](Config &c) { c.optimizer = "lion"; }),
            "unknown optimizer 'lion', expected sgd, adam or madam");
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

TEST(Checkpoint, DamageIsNoticedAndChangesNothing) {
  data::Dataset data = quarters(64);
  const TemporaryFolder path;
  Result<RunFolder> folder = RunFolder::open(path.path());
  ASSERT_TRUE(folder.ok());
  const std::unique_ptr<Trainer> trainer =
      makeTrainer(smallConfig("float32"), data, nullptr);
  runSteps(*trainer, 2);
  ASSERT_TRUE(folder->save(*trainer).ok());
  const Result<std::string> good = readWholeFile(folder->checkpointPath());
  ASSERT_TRUE(good.ok());
  const std::unique_ptr<Trainer> other =
      makeTrainer(smallConfig("float32"), data, nullptr);
  const std::vector<float> before = weightsOf(*other);

  std::vector<std::string> damaged = {good->substr(0, 7), good->substr(0, 20),
                                      good->substr(0, good->size() - 1),
                                      *good + "x"};
  for (const size_t at : {size_t{9}, good->size() / 2, good->size() - 3}) {
    damaged.push_back(*good);
    damaged.back()[at] = char(damaged.back()[at] ^ 1);
  }
  for (const std::string &content : damaged) {
    ASSERT_TRUE(writeFileAtomically(folder->checkpointPath(), content).ok());
    const Status status = folder->restore(*other);
    ASSERT_FALSE(status.ok());
    EXPECT_THAT(status.message(),
                ::testing::AnyOf(HasSubstr("is truncated or damaged"),
                                 HasSubstr("is no checkpoint")));
    EXPECT_EQ(weightsOf(*other), before);
  }
}

/// A complete file with another header, as whoever knows the format may write.
std::string forged(const std::string &good, const nlohmann::json &header) {
  uint64_t bytes = 0;
  std::memcpy(&bytes, good.data() + 8, sizeof bytes);
  const std::string text = header.dump();
  const uint64_t size = text.size();
  std::string file = good.substr(0, 8);
  file.append(reinterpret_cast<const char *>(&size), sizeof size);
  file += text + good.substr(16 + bytes, good.size() - 24 - bytes);
  const uint64_t digest = extendDigest(emptyDigest, file);
  return file.append(reinterpret_cast<const char *>(&digest), sizeof digest);
}

TEST(Checkpoint, ForgedHeadersAreRefused) {
  const data::Dataset data = quarters(64);
  const TemporaryFolder path;
  Result<RunFolder> folder = RunFolder::open(path.path());
  ASSERT_TRUE(folder.ok());
  const std::unique_ptr<Trainer> trainer =
      makeTrainer(smallConfig("float32"), data, nullptr);
  folder->observe(*trainer);
  runSteps(*trainer, 4);
  ASSERT_TRUE(folder->logEpoch(*trainer, *trainer->evaluate()).ok());
  runSteps(*trainer, 6);
  ASSERT_TRUE(folder->save(*trainer).ok());
  const std::string good = *readWholeFile(folder->checkpointPath());
  uint64_t bytes = 0;
  std::memcpy(&bytes, good.data() + 8, sizeof bytes);
  const auto header = nlohmann::json::parse(good.substr(16, bytes));
  const auto readAll = [&]() -> Status {
    LPGEN_RETURN_IF_ERROR(folder->readConfig().status());
    LPGEN_RETURN_IF_ERROR(folder->checkData(data));
    LPGEN_RETURN_IF_ERROR(folder->restore(*trainer));
    return folder->writeLogs(*trainer);
  };
  ASSERT_TRUE(readAll().ok());
  // Many fields in turn become something else: a message or no matter.
  int refused = 0;
  int number = 0;
  const nlohmann::json fields = header.flatten();
  for (const auto &field : fields.items()) {
    if (++number % 4 != 0) {
      continue;
    }
    const nlohmann::json::json_pointer place(field.key());
    for (const char *other : {"{}", "\"x\"", "-1e300"}) {
      for (const auto &at : {place, place.parent_pointer()}) {
        nlohmann::json bad = header;
        bad[at] = nlohmann::json::parse(other);
        ASSERT_TRUE(
            writeFileAtomically(folder->checkpointPath(), forged(good, bad))
                .ok());
        refused += readAll().ok() ? 0 : 1;
      }
    }
  }
  EXPECT_GT(refused, 50);
  nlohmann::json unknown = header;
  unknown["meta"]["config"]["epoch"] = 3;
  ASSERT_TRUE(
      writeFileAtomically(folder->checkpointPath(), forged(good, unknown))
          .ok());
  EXPECT_THAT(folder->readConfig().message(),
              HasSubstr("unknown field 'epoch', expected 'epochs'"));
}

TEST(Checkpoint, ValuesThatMeanNothingAreRefused) {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/file";
  int64_t stage = 7;
  ASSERT_TRUE(saveCheckpoint(path, {}, [&](nn::StateVisitor &visitor) {
                visitor.visit("stage", stage);
              }).ok());
  stage = 1;
  const Status status = restoreCheckpoint(path, [&](nn::StateVisitor &visitor) {
    visitor.visitFrom<int64_t>("stage", stage, 0, 3);
  });
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(status.message(), HasSubstr("'stage' has a value that means "
                                          "nothing"));
  EXPECT_EQ(stage, 1);
}

TEST(RunFolder, KnowsItsDataAndItsWriter) {
  data::Dataset data = quarters(64);
  const TemporaryFolder path;
  Result<RunFolder> folder = RunFolder::open(path.path());
  ASSERT_TRUE(folder.ok() && folder->lock().ok());
  Result<RunFolder> second = RunFolder::open(path.path());
  EXPECT_EQ(second->lock().message(),
            "another process trains in '" + path.path() +
                "'; remedy: wait for its end, or name another --out");
  ASSERT_TRUE(
      folder->save(*makeTrainer(smallConfig("float32"), data, nullptr)).ok());
  EXPECT_TRUE(folder->checkData(data).ok());
  data.digest = 1;
  EXPECT_THAT(folder->checkData(data).message(),
              HasSubstr("'quarters' is not the data set of the run in '" +
                        path.path() + "': other pixels or labels (digest "));
  data.train.count = 63;
  EXPECT_THAT(folder->checkData(data).message(),
              HasSubstr("train 63, test 64, height 8, width 8, channels 1, "
                        "classes 4; expected train 64, test 64"));
}

TEST(Checkpoint, SharedPiecesAreFoundByName) {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/file";
  double a = 1;
  double b = 2;
  ASSERT_TRUE(saveCheckpoint(path, {}, [&](nn::StateVisitor &visitor) {
                visitor.visit("a", a);
                visitor.visit("b", b);
              }).ok());
  double own = 5;
  ASSERT_TRUE(restoreSharedPieces(path, [&](nn::StateVisitor &visitor) {
                visitor.visit("own", own);
                visitor.visit("b", a);
              }).ok());
  EXPECT_EQ(own, 5);
  EXPECT_EQ(a, 2);
  // Nothing is changed by what is of another size, or not there at all.
  float small = 7;
  const Status size = restoreSharedPieces(path, [&](nn::StateVisitor &visitor) {
    visitor.visit("a", b);
    visitor.visit("b", small);
  });
  EXPECT_NE(size.message().find("'b' has another size"), std::string::npos);
  EXPECT_EQ(b, 2);
  EXPECT_EQ(small, 7);
  const Status none = restoreSharedPieces(
      path, [&](nn::StateVisitor &visitor) { visitor.visit("own", own); });
  EXPECT_NE(none.message().find("no tensor"), std::string::npos);
}

TEST(Checkpoint, OfAnotherNetworkIsRefused) {
  data::Dataset data = quarters(64);
  const TemporaryFolder path;
  Result<RunFolder> folder = RunFolder::open(path.path());
  ASSERT_TRUE(folder.ok());
  ASSERT_TRUE(
      folder->save(*makeTrainer(smallConfig("float32"), data, nullptr)).ok());
  Config config = smallConfig("float32");
  config.model = "mlp";
  const Status status = folder->restore(*makeTrainer(config, data, nullptr));
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(status.message(), HasSubstr("of another network or policy"));
}

/// Trains to the end; folder and trainer are made anew after `pause` steps.
nlohmann::json epochsOfRun(const data::Dataset &data, int64_t pause) {
  const TemporaryFolder path;
  nlohmann::json epochs;
  for (const int64_t until : {pause, int64_t{30}}) {
    Result<RunFolder> folder = RunFolder::open(path.path());
    const std::unique_ptr<Trainer> trainer =
        makeTrainer(smallConfig("apt"), data, nullptr);
    if (folder->hasCheckpoint()) {
      EXPECT_TRUE(folder->restore(*trainer).ok());
    }
    folder->observe(*trainer);
    while (trainer->step() < std::min(until, trainer->totalSteps())) {
      runSteps(*trainer, trainer->step() + 1);
      if (trainer->isAtEpochEnd()) {
        EXPECT_TRUE(folder->logEpoch(*trainer, *trainer->evaluate()).ok());
      }
    }
    EXPECT_TRUE(folder->save(*trainer).ok());
    epochs = folder->epochs();
  }
  return epochs;
}

TEST(RunFolder, AnInterruptedEpochIsLoggedWhole) {
  const data::Dataset data = quarters(160);
  nlohmann::json whole = epochsOfRun(data, 0);
  nlohmann::json resumed = epochsOfRun(data, 13); // Of 10 steps an epoch.
  ASSERT_EQ(whole.size(), 3U);
  for (nlohmann::json *run : {&whole, &resumed}) {
    for (nlohmann::json &epoch : *run) {
      for (const char *time :
           {"seconds", "imagesPerSecond", "observerSeconds"}) {
        epoch.erase(time);
      }
      for (nlohmann::json &layer : epoch["layers"]) {
        layer.erase("seconds");
      }
      for (nlohmann::json &sample : epoch["samples"]) {
        sample.erase("stepSeconds");
      }
    }
  }
  EXPECT_EQ(resumed, whole);
  EXPECT_EQ(whole[1]["samples"].size(), 10U);
  EXPECT_EQ(whole[1]["layers"][0]["tensors"][1]["stepsAtBits"]["8"], 10);
}

TEST(RunFolder, LogsAreCompleteAfterAResume) {
  data::Dataset data = quarters(64);
  const TemporaryFolder path;
  const auto run = [&](int64_t epochs) {
    Result<RunFolder> folder = RunFolder::open(path.path());
    const std::unique_ptr<Trainer> trainer =
        makeTrainer(smallConfig("float32"), data, nullptr);
    if (folder->hasCheckpoint()) {
      ASSERT_TRUE(folder->restore(*trainer).ok());
    }
    folder->observe(*trainer);
    while (trainer->epoch() < epochs) {
      runSteps(*trainer, trainer->step() + trainer->stepsPerEpoch());
      const Result<Totals> test = trainer->evaluate();
      ASSERT_TRUE(folder->logEpoch(*trainer, *test).ok());
      ASSERT_TRUE(folder->save(*trainer).ok());
    }
  };
  run(1);
  run(3);
  const Result<std::string> csv = readWholeFile(path.path() + "/log.csv");
  ASSERT_TRUE(csv.ok());
  EXPECT_THAT(*csv, ::testing::MatchesRegex(
                        "epoch,step,learningRate,[a-zA-Z,]+\n1,4,[^\n]*\n2,8,"
                        "[^\n]*\n3,12,[^\n]*\n"));
  const Result<std::string> json = readWholeFile(path.path() + "/log.jsonl");
  ASSERT_TRUE(json.ok());
  EXPECT_EQ(std::count(json->begin(), json->end(), '\n'), 4);
  EXPECT_THAT(*json, HasSubstr("OpenBLAS sgemm"));
}

} // namespace
} // namespace lpgen::train
