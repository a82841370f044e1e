// Files of a run.
#include "training/loop/RunFolder.h"
#include "base/system/OutputFiles.h"
#include "training/loop/Checkpoint.h"
#include "training/loop/Pruning.h"
#include <algorithm>
#include <array>
#include <cctype>
#include <cstdio>
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

/// Files of a run that earlier versions wrote under random names:
/// NAME.XXXXXX.
static void removeOldTemporaries(const std::string &folder) {
  constexpr size_t suffix = 7;
  std::error_code ignored;
  std::vector<std::filesystem::path> old;
  for (const auto &entry :
       std::filesystem::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename().string();
    const std::string_view random = std::string_view(name).substr(
        name.size() - std::min(name.size(), suffix));
    const bool isRandom =
        random.size() == suffix && random[0] == '.' &&
        std::ranges::all_of(random.substr(1), [](unsigned char c) {
          return std::isalnum(c) != 0;
        });
    const std::string stem = name.substr(0, name.size() - random.size());
    if (isRandom && entry.is_regular_file(ignored) &&
        (stem == "log.jsonl" || stem == "log.csv" || stem == "kernels.lp" ||
         (stem.starts_with("checkpoint") && stem.ends_with(".lpt")))) {
      old.push_back(entry.path());
    }
  }
  for (const std::filesystem::path &file : old) {
    std::filesystem::remove(file, ignored);
  }
}

Status RunFolder::lock() {
  if (rank == 0) {
    Result<std::optional<FileLock>> own = FileLock::attempt(path + "/.lock");
    LPGEN_RETURN_IF_ERROR(own.status());
    if (!own->has_value()) {
      return Status::error(
          "another process trains in '" + path +
          "'; remedy: wait for its end, or name another --out");
    }
    writer = std::move(*own);
    removeOldTemporaries(path);
    for (const char *name :
         {"/log.jsonl", "/log.csv", "/kernels.lp", "/report.html"}) {
      removeLeftovers(path + name);
    }
  }
  removeLeftovers(checkpointPath());
  removeLeftovers(checkpointPath() + ".next");
  return Status::success();
}

bool RunFolder::hasCheckpoint() const {
  std::error_code ignored;
  return std::filesystem::exists(checkpointPath(), ignored);
}

/// What is wrong with the checkpoint.
static Status damage(const std::string &path, const std::string &what) {
  return Status::error("checkpoint '" + path + "': " + what);
}

/// The metadata of a run; an object.
Result<nlohmann::json> RunFolder::readMeta() const {
  Result<nlohmann::json> meta = readCheckpointMeta(checkpointPath());
  if (meta.ok() && !meta->is_object()) {
    return damage(checkpointPath(), "it is of no run");
  }
  return meta;
}

Result<Config> RunFolder::readConfig() const {
  const Result<nlohmann::json> meta = readMeta();
  LPGEN_RETURN_IF_ERROR(meta.status());
  Result<Config> config =
      configFromJson(meta->value("config", nlohmann::json()));
  const Status checked = config.ok() ? checkConfig(*config) : config.status();
  if (!checked.ok()) {
    return damage(checkpointPath(), checked.message());
  }
  return config;
}

/// What a checkpoint knows of its data set.
static nlohmann::json describeData(const data::Dataset &data) {
  std::array<char, 17> digest = {};
  (void)std::snprintf(digest.data(), digest.size(), "%016llx",
                      static_cast<unsigned long long>(data.digest));
  return {{"train", data.train.count}, {"test", data.test.count},
          {"height", data.height},     {"width", data.width},
          {"channels", data.channels}, {"classes", data.classes},
          {"digest", digest.data()}};
}

/// "train 60000, test 10000, height 28, ..."
static std::string listFields(const nlohmann::json &data) {
  std::string text;
  for (const char *name :
       {"train", "test", "height", "width", "channels", "classes"}) {
    text += (text.empty() ? "" : ", ") + std::string(name) + " " +
            data.value(name, nlohmann::json()).dump();
  }
  return text;
}

Status RunFolder::checkData(const data::Dataset &data) const {
  const Result<nlohmann::json> meta = readMeta();
  LPGEN_RETURN_IF_ERROR(meta.status());
  const nlohmann::json expected = meta->value("data", nlohmann::json());
  const nlohmann::json found = describeData(data);
  if (expected == found || expected.is_null()) { // Old ones do not know it.
    return Status::success();
  }
  if (!expected.is_object()) {
    return damage(checkpointPath(), "its description of the data is damaged");
  }
  const std::string was = listFields(expected);
  const std::string is = listFields(found);
  return Status::error(
      "'" + data.name + "' is not the data set of the run in '" + path + "': " +
      (was == is ? "other pixels or labels (digest " +
                       found["digest"].get<std::string>() + ", expected " +
                       expected.value("digest", nlohmann::json()).dump() + ")"
                 : is + "; expected " + was) +
      "; remedy: bring back the data set, or train anew in another folder");
}

Status RunFolder::restore(Trainer &trainer) {
  const Result<nlohmann::json> meta = readMeta();
  LPGEN_RETURN_IF_ERROR(meta.status());
  LPGEN_RETURN_IF_ERROR(
      restoreCheckpoint(checkpointPath(), [&](nn::StateVisitor &visitor) {
        trainer.visitState(visitor);
      }));
  history = meta->value("epochs", nlohmann::json());
  const bool isHistory =
      history.is_array() &&
      std::ranges::all_of(history, [](const nlohmann::json &epoch) {
        return epoch.is_object();
      });
  if (!isHistory) {
    return damage(checkpointPath(), "its list of epochs is damaged");
  }
  if (trainer.step() < 0 || trainer.step() > trainer.totalSteps() ||
      (!history.empty() && int64_t(history.size()) != trainer.epoch())) {
    return damage(checkpointPath(),
                  "it has done " + std::to_string(trainer.step()) +
                      " steps and logged " + std::to_string(history.size()) +
                      " epochs, but the data set makes epochs of " +
                      std::to_string(trainer.stepsPerEpoch()) +
                      " steps; remedy: bring back the data set of the run");
  }
  const nlohmann::json open = meta->value("openEpoch", nlohmann::json());
  const Status recorded = recorder.restore(
      open, history.empty() ? nlohmann::json() : history.back());
  openAllocation = open.is_object() ? open.value("allocation", nlohmann::json())
                                    : nlohmann::json();
  return recorded.ok() ? recorded
                       : damage(checkpointPath(), recorded.message());
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

Status RunFolder::allocateLoss(Trainer &trainer,
                               const LossAllocationOptions &options) {
  Result<std::unique_ptr<LossAllocation>> made = LossAllocation::create(
      trainer.modelSpec(), trainer.dataset(), trainer.parameters(),
      trainer.step(), trainer.evaluation().pool, options);
  LPGEN_RETURN_IF_ERROR(made.status());
  if (!openAllocation.is_null()) {
    const Status restored = (*made)->restore(openAllocation);
    if (!restored.ok()) {
      return damage(checkpointPath(), restored.message());
    }
  }
  allocation = std::move(*made);
  trainer.observe(*allocation);
  return Status::success();
}

Status RunFolder::save(Trainer &trainer) {
  return saveAs(checkpointPath(), trainer);
}

Status RunFolder::saveTogether(Trainer &trainer, ProcessGroup &workers) {
  const std::string next = checkpointPath() + ".next";
  LPGEN_RETURN_IF_ERROR(saveAs(next, trainer));
  LPGEN_RETURN_IF_ERROR(checkSameStep(workers, trainer.step()));
  std::error_code error;
  std::filesystem::rename(next, checkpointPath(), error);
  return error
             ? Status::error("cannot rename '" + next + "': " + error.message())
             : Status::success();
}

Status RunFolder::saveAs(const std::string &file, Trainer &trainer) {
  nlohmann::json meta = {{"config", configToJson(trainer.config())},
                         {"data", describeData(trainer.dataset())},
                         {"epochs", history}};
  if (!trainer.isAtEpochEnd()) {
    meta["openEpoch"] = recorder.record();
    if (allocation) {
      meta["openEpoch"]["allocation"] = allocation->record();
    }
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

/// What pruning has left.
static nlohmann::json describeSize(const Trainer &trainer) {
  const Result<TrainingMemory> memory = trainingMemory(trainer.modelSpec());
  const int64_t batch = trainer.config().imagesPerStep();
  int64_t weights = 0;
  for (const nn::Parameter *parameter : trainer.parameters()) {
    weights += parameter->value.size();
  }
  return {{"batch", batch},
          {"widths", trainer.config().widths},
          {"parameters", weights},
          {"memoryBytes", memory.ok() ? memory->bytes(batch) : 0},
          {"imageBytes", memory.ok() ? memory->imageBytes : 0}};
}

Status RunFolder::logEpoch(const Trainer &trainer, const Totals &test,
                           const std::optional<Totals> &moved) {
  const Totals &train = trainer.epochTotals();
  nlohmann::json record = recorder.record();
  recorder.clear();
  record.update({{"epoch", trainer.epoch()},
                 {"step", trainer.updates()},
                 {"learningRate", trainer.learningRate()},
                 {"trainLoss", train.meanLoss()},
                 {"trainAccuracy", train.accuracy()},
                 {"testLoss", test.meanLoss()},
                 {"testAccuracy", test.accuracy()},
                 {"seconds", train.seconds},
                 {"imagesPerSecond", train.imagesPerSecond()}});
  if (trainer.config().pruning != "none") {
    record["pruning"] = describeSize(trainer);
  }
  if (const std::optional<double> norm = trainer.gradientNorm()) {
    record["gradientNorm"] = *norm;
  }
  if (allocation) {
    record["allocation"] = allocation->record();
    allocation->clear();
  }
  if (const GradientExchange *exchange = trainer.gradientExchange()) {
    exchange->visitTraffic([&](const nn::Parameter &parameter,
                               const GradientExchange::Traffic &traffic) {
      record["gradients"].push_back({{"tensor", parameter.name},
                                     {"shape", parameter.value.shape()},
                                     {"sentBytes", traffic.sent},
                                     {"denseBytes", traffic.dense}});
    });
  }
  if (moved) {
    record["robustAccuracy"] = moved->accuracy();
  }
  if (const FederatedRounds *rounds = trainer.federatedRounds()) {
    const FederatedCost cost = trainer.federatedCost();
    record["federated"] = {{"rounds", cost.rounds},
                           {"sentBytes", cost.sentBytes},
                           {"macs", cost.macs},
                           {"bitProducts", cost.bops},
                           {"joules", cost.joules(rounds->settings())}};
  }
  history.push_back(std::move(record));
  return writeLogs(trainer);
}

Status RunFolder::writeLogs(const Trainer &trainer) const {
  if (rank != 0 || history.empty()) {
    return Status::success();
  }
  std::string lines =
      nlohmann::json{{"config", configToJson(trainer.config())}}.dump() + "\n";
  for (const nlohmann::json &epoch : history) {
    lines += epoch.dump() + "\n";
  }
  OutputFiles logs;
  logs.addIn(path, "log.jsonl", std::move(lines));
  logs.addIn(path, "log.csv", toCsv(history));
  return logs.commit();
}

} // namespace lpgen::train
