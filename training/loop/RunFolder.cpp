// Files of a run.
#include "training/loop/RunFolder.h"
#include "base/system/AtomicFile.h"
#include "training/loop/Checkpoint.h"
#include <filesystem>

namespace lpgen::train {

Result<RunFolder> RunFolder::open(const std::string &path, int rank) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) {
    return Status::error("cannot make folder '" + path +
                         "': " + error.message());
  }
  return RunFolder(path, rank);
}

bool RunFolder::hasCheckpoint() const {
  std::error_code ignored;
  return std::filesystem::exists(checkpointPath(), ignored);
}

Result<Config> RunFolder::readConfig() const {
  const Result<nlohmann::json> meta = readCheckpointMeta(checkpointPath());
  LPGEN_RETURN_IF_ERROR(meta.status());
  Result<Config> config =
      configFromJson(meta->value("config", nlohmann::json::object()));
  if (!config.ok()) {
    return Status::error("checkpoint '" + checkpointPath() +
                         "': " + config.message());
  }
  return config;
}

Status RunFolder::restore(Trainer &trainer) {
  Result<nlohmann::json> meta = readCheckpointMeta(checkpointPath());
  LPGEN_RETURN_IF_ERROR(meta.status());
  LPGEN_RETURN_IF_ERROR(
      restoreCheckpoint(checkpointPath(), [&](nn::StateVisitor &visitor) {
        trainer.visitState(visitor);
      }));
  history = meta->value("epochs", nlohmann::json::array());
  recorder.restore(meta->value("openEpoch", nlohmann::json()));
  return Status::success();
}

Status RunFolder::startFrom(const std::string &folder, Trainer &trainer) {
  const RunFolder source(folder, 0);
  const Result<Config> config = source.readConfig();
  if (!config.ok()) {
    return Status::error("cannot start from '" + folder +
                         "': " + config.message());
  }
  if (config->model != trainer.config().model) {
    return Status::error("cannot start from '" + folder + "': it is of model " +
                         config->model + ", not " + trainer.config().model);
  }
  LPGEN_RETURN_IF_ERROR(restoreSharedPieces(
      source.checkpointPath(),
      [&](nn::StateVisitor &visitor) { trainer.visitNetwork(visitor); }));
  trainer.showWeightsToPolicy();
  return Status::success();
}

void RunFolder::observe(Trainer &trainer) {
  // Enough points for any chart of a whole run, whatever its length.
  constexpr int64_t samplesOfRun = 200;
  recorder.sampleEvery(
      std::max<int64_t>(trainer.totalSteps() / samplesOfRun, 1));
  trainer.observe(recorder);
}

Status RunFolder::save(Trainer &trainer) {
  return saveAs(checkpointPath(), trainer);
}

Status RunFolder::saveTogether(Trainer &trainer, GradientExchange &exchange) {
  const std::string next = checkpointPath() + ".next";
  LPGEN_RETURN_IF_ERROR(saveAs(next, trainer));
  LPGEN_RETURN_IF_ERROR(exchange.checkStep(trainer.step()));
  std::error_code error;
  std::filesystem::rename(next, checkpointPath(), error);
  return error
             ? Status::error("cannot rename '" + next + "': " + error.message())
             : Status::success();
}

Status RunFolder::saveAs(const std::string &file, Trainer &trainer) {
  nlohmann::json meta = {{"config", configToJson(trainer.config())},
                         {"epochs", history}};
  if (!trainer.isAtEpochEnd()) {
    meta["openEpoch"] = recorder.record();
  }
  return saveCheckpoint(file, meta, [&](nn::StateVisitor &visitor) {
    trainer.visitState(visitor);
  });
}

static std::string toCsv(const nlohmann::json &history) {
  const std::array columns = {
      "epoch",        "step",          "learningRate",
      "trainLoss",    "trainAccuracy", "testLoss",
      "testAccuracy", "seconds",       "imagesPerSecond"};
  std::string text;
  for (size_t i = 0; i < columns.size(); ++i) {
    text += std::string(i == 0 ? "" : ",") + columns[i];
  }
  text += "\n";
  for (const nlohmann::json &epoch : history) {
    for (size_t i = 0; i < columns.size(); ++i) {
      text += (i == 0 ? "" : ",") +
              epoch.value(columns[i], nlohmann::json()).dump();
    }
    text += "\n";
  }
  return text;
}

Status RunFolder::logEpoch(const Trainer &trainer, const Totals &test) {
  const Totals &train = trainer.epochTotals();
  nlohmann::json record = recorder.record();
  recorder.clear();
  record.update({{"epoch", trainer.epoch()},
                 {"step", trainer.step()},
                 {"learningRate", trainer.learningRate()},
                 {"trainLoss", train.meanLoss()},
                 {"trainAccuracy", train.accuracy()},
                 {"testLoss", test.meanLoss()},
                 {"testAccuracy", test.accuracy()},
                 {"seconds", train.seconds},
                 {"imagesPerSecond", train.imagesPerSecond()}});
  if (const GradientExchange *exchange = trainer.gradientExchange()) {
    exchange->visitTraffic([&](const nn::Parameter &parameter,
                               const GradientExchange::Traffic &traffic) {
      record["gradients"].push_back({{"tensor", parameter.name},
                                     {"shape", parameter.value.shape()},
                                     {"sentBytes", traffic.sent},
                                     {"denseBytes", traffic.dense}});
    });
  }
  history.push_back(std::move(record));
  std::string lines =
      nlohmann::json{{"config", configToJson(trainer.config())}}.dump() + "\n";
  for (const nlohmann::json &epoch : history) {
    lines += epoch.dump() + "\n";
  }
  LPGEN_RETURN_IF_ERROR(writeFileAtomically(path + "/log.jsonl", lines));
  return writeFileAtomically(path + "/log.csv", toCsv(history));
}

} // namespace lpgen::train
