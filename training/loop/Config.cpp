// One list of the fields, used for reading and writing.
#include "training/loop/Config.h"
#include <nlohmann/json.hpp>

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
  visit("gradients", config.gradients);
  visit("workers", config.workers);
  visit("epochs", config.epochs);
  visit("batch", config.batchSize);
  visit("trainImages", config.trainImages);
  visit("seed", config.seed);
  visit("learningRate", config.learningRate);
  visit("momentum", config.momentum);
  visit("weightDecay", config.weightDecay);
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

Result<Config> configFromJson(const nlohmann::json &json) {
  Config config;
  std::string wrong;
  visitFields(config, [&](const char *name, auto &field) {
    const auto found = json.find(name);
    // Runs that had no such field started from random weights.
    const bool isDefault = found == json.end() && name == std::string("from");
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

Status checkConfig(const Config &config) {
  const auto wrong = [](const char *name, const char *expected) {
    return Status::error("'" + std::string(name) + "' must be " + expected);
  };
  if (config.epochs < 1) {
    return wrong("epochs", "1 or more");
  }
  if (config.batchSize < 1 || config.batchSize > 65536) {
    return wrong("batch", "from 1 to 65536");
  }
  if (!(config.learningRate > 0)) {
    return wrong("learning-rate", "greater than 0");
  }
  if (!(config.momentum >= 0) || !(config.momentum < 1)) {
    return wrong("momentum", "from 0 to below 1");
  }
  if (!(config.weightDecay >= 0)) {
    return wrong("weight-decay", "0 or more");
  }
  if (config.augmentation != "none" && config.augmentation != "crop-flip") {
    return wrong("augmentation", "none or crop-flip");
  }
  return parseSchedule(config.schedule).status();
}

} // namespace lpgen::train
