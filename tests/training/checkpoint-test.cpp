// Checkpoints and folders of runs: damaged and forged ones, those of other
// networks, and logs after a resume.
#include "base/system/AtomicFile.h"
#include "base/system/Digest.h"
#include "tests/training/SmallRuns.h"
#include "training/loop/Checkpoint.h"
#include "training/loop/RunFolder.h"
#include <cstring>
#include <gmock/gmock.h>

namespace lpgen::train {
namespace {

using ::testing::HasSubstr;

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

/// A trainer that the folder observes and that goes on from its checkpoint, if
/// it has one.
std::unique_ptr<Trainer> observedTrainer(RunFolder &folder, const char *policy,
                                         const data::Dataset &data) {
  std::unique_ptr<Trainer> trainer =
      makeTrainer(smallConfig(policy), data, nullptr);
  if (folder.hasCheckpoint()) {
    EXPECT_TRUE(folder.restore(*trainer).ok());
  }
  folder.observe(*trainer);
  return trainer;
}

/// Trains to the end; folder and trainer are made anew after `pause` steps.
nlohmann::json epochsOfRun(const data::Dataset &data, int64_t pause) {
  const TemporaryFolder path;
  nlohmann::json epochs;
  for (const int64_t until : {pause, int64_t{30}}) {
    Result<RunFolder> folder = RunFolder::open(path.path());
    const std::unique_ptr<Trainer> trainer =
        observedTrainer(*folder, "apt", data);
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
        observedTrainer(*folder, "float32", data);
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
