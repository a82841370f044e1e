// Differences of the totals that products keep, taken around each step, so that
// evaluation between two steps counts nowhere.
#include "training/record/StepRecorder.h"
#include <charconv>

namespace lpgen::train {

static constexpr std::array<const char *, 5> secondsNames = {
    nn::productNames[0], nn::productNames[1], nn::productNames[2], "quantize",
    "statistics"};

StepRecorder::Seconds StepRecorder::secondsOf(const nn::LayerTimes &times) {
  return {times.products[0], times.products[1], times.products[2],
          times.quantize, times.statistics};
}

StepRecorder::Counts StepRecorder::countsOf(const nn::TensorReport &report) {
  return {report.quantized, report.saturated, report.underflown,
          report.updates};
}

void StepRecorder::beforeStep(const std::vector<ObservedLayer> &layers) {
  const nn::TimeAdder timer(ownSeconds);
  observed.resize(layers.size());
  accumulators.resize(layers.size());
  for (size_t i = 0; i < layers.size(); ++i) {
    Layer &layer = observed[i];
    layer.name = layers[i].name;
    const nn::BackendReport report = layers[i].backend->report();
    layer.before = secondsOf(report.times);
    layer.workBefore = report.work;
    layer.accumulatorsBefore = report.accumulators;
    const std::vector<nn::TensorReport> &reports = report.tensors;
    layer.tensors.resize(reports.size());
    for (size_t t = 0; t < reports.size(); ++t) {
      layer.tensors[t].name = reports[t].tensor;
      layer.tensors[t].before = countsOf(reports[t]);
    }
  }
}

Status StepRecorder::afterStep(const std::vector<ObservedLayer> &layers,
                               const StepView &view) {
  const nn::TimeAdder timer(ownSeconds);
  assert(layers.size() == observed.size() && "beforeStep saw them");
  for (size_t i = 0; i < layers.size(); ++i) {
    Layer &layer = observed[i];
    const nn::BackendReport report = layers[i].backend->report();
    const Seconds now = secondsOf(report.times);
    for (size_t s = 0; s < now.size(); ++s) {
      layer.epoch[s] += now[s] - layer.before[s];
    }
    const nn::ContractionWork &work = report.work;
    layer.work.macs += work.macs - layer.workBefore.macs;
    layer.work.bops += work.bops - layer.workBefore.bops;
    layer.lossScaleExponent = report.gradientScaleExponent;
    const std::vector<nn::AccumulatorReport> &sums = report.accumulators;
    accumulators[i].resize(sums.size());
    for (size_t p = 0; p < sums.size(); ++p) {
      nn::AccumulatorReport &total = accumulators[i][p];
      total.bits = sums[p].bits;
      total.sums += sums[p].sums - layer.accumulatorsBefore[p].sums;
      total.wrapped += sums[p].wrapped - layer.accumulatorsBefore[p].wrapped;
    }
    layer.implementation = report.implementations;
    const std::vector<nn::TensorReport> &reports = report.tensors;
    for (size_t t = 0; t < reports.size(); ++t) {
      Tensor &tensor = layer.tensors[t];
      const Counts counts = countsOf(reports[t]);
      for (Counts *sum : {&tensor.epoch, &tensor.sample}) {
        sum->quantized += counts.quantized - tensor.before.quantized;
        sum->saturated += counts.saturated - tensor.before.saturated;
        sum->underflown += counts.underflown - tensor.before.underflown;
        sum->updates += counts.updates - tensor.before.updates;
      }
      tensor.bits = reports[t].bits;
      ++tensor.stepsAtBits[tensor.bits];
    }
  }
  step = view.step;
  open.loss += view.loss.sum;
  open.correct += view.loss.correct;
  open.images += view.loss.images;
  open.seconds += view.seconds;
  if (++open.steps == interval) {
    closeSample();
  }
  return Status::success();
}

void StepRecorder::closeSample() {
  if (open.steps == 0) {
    return;
  }
  nlohmann::json tensors = nlohmann::json::array();
  for (Layer &layer : observed) {
    for (Tensor &tensor : layer.tensors) {
      tensors.push_back({tensor.bits, tensor.sample.quantized,
                         tensor.sample.saturated, tensor.sample.underflown});
      tensor.sample = Counts();
    }
  }
  samples.push_back({{"step", step},
                     {"loss", open.loss / double(open.images)},
                     {"accuracy", double(open.correct) / double(open.images)},
                     {"stepSeconds", open.seconds / double(open.steps)},
                     {"tensors", std::move(tensors)}});
  open = Sums();
}

nlohmann::json
StepRecorder::describe(const Layer &layer,
                       const std::vector<nn::AccumulatorReport> &accumulators) {
  nlohmann::json json = {{"layer", layer.name},
                         {"tensors", nlohmann::json::array()}};
  for (size_t p = 0; p < layer.implementation.size(); ++p) {
    json["implementation"][nn::productNames[p]] = layer.implementation[p];
  }
  for (size_t s = 0; s < secondsNames.size(); ++s) {
    json["seconds"][secondsNames[s]] = layer.epoch[s];
  }
  json["macs"] = layer.work.macs;
  json["bitProducts"] = layer.work.bops;
  json["lossScaleExponent"] = layer.lossScaleExponent;
  for (size_t p = 0; p < accumulators.size(); ++p) {
    json["accumulators"][nn::productNames[p]] = {
        {"bits", accumulators[p].bits},
        {"sums", accumulators[p].sums},
        {"wrapped", accumulators[p].wrapped}};
  }
  for (const Tensor &tensor : layer.tensors) {
    nlohmann::json widths = nlohmann::json::object();
    for (const auto &[bits, steps] : tensor.stepsAtBits) {
      widths[std::to_string(bits)] = steps;
    }
    json["tensors"].push_back({{"tensor", tensor.name},
                               {"bits", tensor.bits},
                               {"stepsAtBits", std::move(widths)},
                               {"updates", tensor.epoch.updates},
                               {"quantized", tensor.epoch.quantized},
                               {"saturated", tensor.epoch.saturated},
                               {"underflown", tensor.epoch.underflown}});
  }
  return json;
}

nlohmann::json StepRecorder::record() {
  closeSample();
  nlohmann::json layers = nlohmann::json::array();
  for (size_t i = 0; i < observed.size(); ++i) {
    layers.push_back(describe(observed[i], accumulators[i]));
  }
  return {{"observerSeconds", ownSeconds},
          {"layers", std::move(layers)},
          {"samples", samples}};
}

/// An array of a record; null if it has none of that name.
static const nlohmann::json *arrayOf(const nlohmann::json &from,
                                     const char *name) {
  const auto found = from.find(name); // The end of what is no object.
  return found != from.end() && found->is_array() ? &*found : nullptr;
}

/// Reads a field. False if it is not there or of another type.
static bool read(const nlohmann::json &from, const char *name, double &to) {
  const auto found = from.find(name);
  const bool isGood = found != from.end() && found->is_number();
  to = isGood ? found->get<double>() : 0;
  return isGood;
}
static bool read(const nlohmann::json &from, const char *name, int64_t &to) {
  const auto found = from.find(name);
  const bool isGood = found != from.end() && found->is_number_integer();
  to = isGood ? found->get<int64_t>() : 0;
  return isGood;
}
static bool read(const nlohmann::json &from, const char *name,
                 std::string &to) {
  const auto found = from.find(name);
  const bool isGood = found != from.end() && found->is_string();
  to = isGood ? found->get<std::string>() : "";
  return isGood;
}

/// A histogram of widths: an object from bits to steps.
static bool read(const nlohmann::json &from, std::map<int, int64_t> &to) {
  const auto found = from.find("stepsAtBits");
  if (found == from.end() || !found->is_object()) {
    return false;
  }
  for (const auto &[text, steps] : found->items()) {
    int bits = 0;
    const char *end = text.data() + text.size();
    if (std::from_chars(text.data(), end, bits).ptr != end || text.empty() ||
        !steps.is_number_integer()) {
      return false;
    }
    to[bits] = steps.get<int64_t>();
  }
  return true;
}

bool StepRecorder::restoreLayer(const nlohmann::json &from) {
  Layer &layer = observed.emplace_back();
  const auto seconds = from.find("seconds");
  bool isGood =
      read(from, "layer", layer.name) && read(from, "macs", layer.work.macs) &&
      read(from, "bitProducts", layer.work.bops) && seconds != from.end();
  for (size_t s = 0; isGood && s < secondsNames.size(); ++s) {
    isGood = read(*seconds, secondsNames[s], layer.epoch[s]);
  }
  const nlohmann::json *tensors = arrayOf(from, "tensors");
  isGood = isGood && tensors;
  for (size_t t = 0; isGood && t < tensors->size(); ++t) {
    const nlohmann::json &saved = (*tensors)[t];
    Tensor &tensor = layer.tensors.emplace_back();
    isGood = read(saved, "tensor", tensor.name) &&
             read(saved, tensor.stepsAtBits) &&
             read(saved, "quantized", tensor.epoch.quantized) &&
             read(saved, "saturated", tensor.epoch.saturated) &&
             read(saved, "underflown", tensor.epoch.underflown) &&
             read(saved, "updates", tensor.epoch.updates);
  }
  return isGood;
}

/// Runs without narrow sums have none.
bool StepRecorder::restoreAccumulators(const nlohmann::json &record) {
  const nlohmann::json *layers = arrayOf(record, "layers");
  for (size_t i = 0; layers && i < layers->size(); ++i) {
    std::vector<nn::AccumulatorReport> &sums = accumulators.emplace_back();
    const auto saved = (*layers)[i].find("accumulators");
    if (saved == (*layers)[i].end()) {
      continue;
    }
    for (const char *product : nn::productNames) {
      const auto sum = saved->find(product);
      if (sum == saved->end()) {
        break;
      }
      nn::AccumulatorReport &report = sums.emplace_back();
      if (!read(*sum, "sums", report.sums) ||
          !read(*sum, "wrapped", report.wrapped)) {
        return false;
      }
    }
  }
  return layers != nullptr;
}

Status StepRecorder::restore(const nlohmann::json &open,
                             const nlohmann::json &last) {
  clear();
  accumulators.clear();
  const nlohmann::json &latest = open.is_null() ? last : open;
  bool isGood = latest.is_null() || restoreAccumulators(latest);
  if (!open.is_null()) {
    const nlohmann::json *layers = arrayOf(open, "layers");
    const nlohmann::json *seen = arrayOf(open, "samples");
    isGood =
        isGood && layers && seen && read(open, "observerSeconds", ownSeconds);
    for (size_t i = 0; isGood && i < layers->size(); ++i) {
      isGood = restoreLayer((*layers)[i]);
    }
    if (isGood) {
      samples = *seen;
    }
  }
  if (!isGood) {
    clear();
    accumulators.clear();
    return Status::error("the record of its last epoch is damaged");
  }
  return Status::success();
}

void StepRecorder::clear() {
  observed.clear();
  open = Sums();
  samples = nlohmann::json::array();
  ownSeconds = 0;
}

} // namespace lpgen::train
