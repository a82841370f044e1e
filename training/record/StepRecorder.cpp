// Differences of the totals that products keep, taken around each step, so that
// evaluation between two steps counts nowhere.
#include "training/record/StepRecorder.h"

namespace lpgen::train {

static constexpr std::array<const char *, 5> secondsNames = {
    nn::productNames[0], nn::productNames[1], nn::productNames[2], "quantize",
    "statistics"};

StepRecorder::Seconds
StepRecorder::secondsOf(const nn::ContractionBackend &backend) {
  const nn::LayerTimes &times = backend.times();
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
  for (size_t i = 0; i < layers.size(); ++i) {
    Layer &layer = observed[i];
    layer.name = layers[i].name;
    layer.before = secondsOf(*layers[i].backend);
    layer.workBefore = layers[i].backend->work();
    const std::vector<nn::TensorReport> reports =
        layers[i].backend->reportTensors();
    layer.tensors.resize(reports.size());
    for (size_t t = 0; t < reports.size(); ++t) {
      layer.tensors[t].name = reports[t].tensor;
      layer.tensors[t].before = countsOf(reports[t]);
    }
  }
}

void StepRecorder::afterStep(const std::vector<ObservedLayer> &layers,
                             const StepView &view) {
  const nn::TimeAdder timer(ownSeconds);
  assert(layers.size() == observed.size() && "beforeStep saw them");
  for (size_t i = 0; i < layers.size(); ++i) {
    Layer &layer = observed[i];
    const Seconds now = secondsOf(*layers[i].backend);
    for (size_t s = 0; s < now.size(); ++s) {
      layer.epoch[s] += now[s] - layer.before[s];
    }
    const nn::ContractionWork &work = layers[i].backend->work();
    layer.work.macs += work.macs - layer.workBefore.macs;
    layer.work.bops += work.bops - layer.workBefore.bops;
    layer.lossScaleExponent = layers[i].backend->gradientScaleExponent();
    layer.accumulators = layers[i].backend->reportAccumulators();
    for (size_t p = 0; p < layer.implementation.size(); ++p) {
      layer.implementation[p] =
          layers[i].backend->implementation(nn::Product(p));
    }
    const std::vector<nn::TensorReport> reports =
        layers[i].backend->reportTensors();
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

nlohmann::json StepRecorder::describe(const Layer &layer) {
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
  for (size_t p = 0; p < layer.accumulators.size(); ++p) {
    json["accumulators"][nn::productNames[p]] = {
        {"bits", layer.accumulators[p].bits},
        {"sums", layer.accumulators[p].sums},
        {"wrapped", layer.accumulators[p].wrapped}};
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
  for (const Layer &layer : observed) {
    layers.push_back(describe(layer));
  }
  return {{"observerSeconds", ownSeconds},
          {"layers", std::move(layers)},
          {"samples", samples}};
}

void StepRecorder::restore(const nlohmann::json &json) {
  clear();
  if (json.is_null()) {
    return;
  }
  ownSeconds = json.at("observerSeconds").get<double>();
  samples = json.at("samples");
  for (const nlohmann::json &from : json.at("layers")) {
    Layer &layer = observed.emplace_back();
    layer.name = from.at("layer").get<std::string>();
    for (size_t s = 0; s < secondsNames.size(); ++s) {
      layer.epoch[s] = from.at("seconds").at(secondsNames[s]).get<double>();
    }
    layer.work.macs = from.at("macs").get<double>();
    layer.work.bops = from.at("bitProducts").get<double>();
    for (const nlohmann::json &tensorFrom : from.at("tensors")) {
      Tensor &tensor = layer.tensors.emplace_back();
      tensor.name = tensorFrom.at("tensor").get<std::string>();
      for (const auto &[bits, steps] : tensorFrom.at("stepsAtBits").items()) {
        tensor.stepsAtBits[std::stoi(bits)] = steps.get<int64_t>();
      }
      tensor.epoch = {tensorFrom.at("quantized").get<int64_t>(),
                      tensorFrom.at("saturated").get<int64_t>(),
                      tensorFrom.at("underflown").get<int64_t>(),
                      tensorFrom.at("updates").get<int64_t>()};
    }
  }
}

void StepRecorder::clear() {
  observed.clear();
  open = Sums();
  samples = nlohmann::json::array();
  ownSeconds = 0;
}

} // namespace lpgen::train
