// One list of the fields, used for reading and writing.
#include "training/loop/Config.h"
#include "base/system/NearestName.h"
#include "training/distributed/FederatedRounds.h"
#include "training/loop/Adversary.h"
#include "training/loop/Pruning.h"
#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string_view>

namespace lpgen::train {

/// Calls `visit(name, field)` for every field.
template <typename AnyConfig, typename Visit>
static void visitFields(AnyConfig &config, Visit visit) {
  visit("model", config.model);
  visit("data", config.data);
  visit("policy", config.policy);
  visit("from", config.from);
  visit("optimizer", config.optimizer);
  visit("schedule", config.schedule);
  visit("augmentation", config.augmentation);
  visit("adversary", config.adversary);
  visit("gradients", config.gradients);
  visit("federated", config.federated);
  visit("workers", config.workers);
  visit("epochs", config.epochs);
  visit("batch", config.batchSize);
  visit("trainImages", config.trainImages);
  visit("seed", config.seed);
  visit("learningRate", config.learningRate);
  visit("momentum", config.momentum);
  visit("weightDecay", config.weightDecay);
  visit("pruning", config.pruning);
  visit("widths", config.widths);
  visit("grownBatch", config.grownBatch);
  visit("stepsBefore", config.stepsBefore);
  visit("memoryBytes", config.memoryBytes);
}

nlohmann::json configToJson(const Config &config) {
  nlohmann::json json;
  visitFields(config,
              [&](const char *name, const auto &field) { json[name] = field; });
  return json;
}

static bool readField(const nlohmann::json &json, std::string &field) {
  if (const auto *text = json.get_ptr<const std::string *>()) {
    field = *text;
    return true;
  }
  return false;
}

template <typename Number>
static bool readField(const nlohmann::json &json, Number &field) {
  if (!json.is_number() ||
      (std::is_integral_v<Number> && !json.is_number_integer())) {
    return false;
  }
  field = json.get<Number>();
  return true;
}

std::vector<std::string> configFields() {
  std::vector<std::string> names;
  Config config;
  visitFields(config,
              [&](const char *name, auto &) { names.emplace_back(name); });
  return names;
}

Result<Config> configFromJson(const nlohmann::json &json) {
  if (!json.is_object()) {
    return Status::error("its config is no list of fields");
  }
  const std::vector<std::string> known = configFields();
  for (const auto &item : json.items()) {
    if (std::ranges::find(known, item.key()) == known.end()) {
      return Status::error(
          "unknown field " + quoteWithNearest(item.key(), known) +
          "; it was written by a newer version, or is damaged");
    }
  }
  Config config;
  std::string wrong;
  visitFields(config, [&](const char *name, auto &field) {
    const auto found = json.find(name);
    // Runs that had no such field started from random weights, pruned nothing
    // and were not federated.
    constexpr std::array<std::string_view, 8> later = {
        "from",        "pruning",     "widths",    "grownBatch",
        "stepsBefore", "memoryBytes", "federated", "adversary"};
    const bool isDefault =
        found == json.end() &&
        std::ranges::find(later, std::string_view(name)) != later.end();
    if (wrong.empty() && !isDefault &&
        (found == json.end() || !readField(*found, field))) {
      wrong = name;
    }
  });
  if (!wrong.empty()) {
    return Status::error("field '" + wrong + "' is missing or of another type");
  }
  return config;
}

// So that no number of steps or images overflows.
static constexpr int64_t maxEpochs = 1000000;
static constexpr int64_t maxWorkers = 65536;

Status checkConfig(const Config &config) {
  const auto wrong = [](const char *name, const char *expected) {
    return Status::error("'" + std::string(name) + "' must be " + expected);
  };
  if (config.epochs < 1 || config.epochs > maxEpochs) {
    return wrong("epochs", "1 or more, at most 1000000");
  }
  if (config.workers < 1 || config.workers > maxWorkers) {
    return wrong("workers", "from 1 to 65536");
  }
  if (config.trainImages < 0) {
    return wrong("train-images", "0 or more");
  }
  if (config.batchSize < 1 || config.batchSize > 65536) {
    return wrong("batch", "from 1 to 65536");
  }
  if (!(config.learningRate > 0) || !std::isfinite(config.learningRate)) {
    return wrong("learning-rate", "greater than 0, and finite");
  }
  if (!(config.momentum >= 0) || !(config.momentum < 1)) {
    return wrong("momentum", "from 0 to below 1");
  }
  if (!(config.weightDecay >= 0) || !std::isfinite(config.weightDecay)) {
    return wrong("weight-decay", "0 or more, and finite");
  }
  if (config.augmentation != "none" && config.augmentation != "crop-flip") {
    return wrong("augmentation", "none or crop-flip");
  }
  if (config.grownBatch < 0 || config.grownBatch > 65536 ||
      config.memoryBytes < 0 || config.stepsBefore < 0) {
    return wrong("grownBatch", "from 0 to 65536, and what else pruning has "
                               "come to 0 or more");
  }
  LPGEN_RETURN_IF_ERROR(readAdversary(config.adversary).status());
  const Result<std::optional<FederatedSpec>> federated =
      readFederated(config.federated);
  LPGEN_RETURN_IF_ERROR(federated.status());
  if (federated->has_value() && config.gradients != "none") {
    return Status::error("federated training exchanges changes of weights, and "
                         "--gradients " +
                         config.gradients +
                         " gradients; remedy: leave one of them out");
  }
  LPGEN_RETURN_IF_ERROR(readPruning(config.pruning).status());
  LPGEN_RETURN_IF_ERROR(readWidths(config.widths).status());
  return parseSchedule(config.schedule).status();
}

} // namespace lpgen::train
