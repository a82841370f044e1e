// Two tables: layers, and networks by their cost.
#include "training/posttraining/QuantizationReport.h"
#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace lpgen::posttraining {

QuantizationRow rowOf(const PostTraining &quantizer, const std::string &name,
                      const train::Totals &totals) {
  return {name,
          totals,
          quantizer.divergence(),
          quantizer.bitOperations(),
          quantizer.weightBytes(),
          0,
          0};
}

std::vector<QuantizedLayer> layersOf(const PostTraining &quantizer) {
  std::vector<QuantizedLayer> layers;
  for (size_t i = 0; i < quantizer.outcomes().size(); ++i) {
    const CalibratedLayer &layer = quantizer.network().layers()[i];
    const LayerIntegers &integers = *layer.backend->integers();
    layers.push_back({layer.spec().name,
                      {integers.weightBits, integers.inputBits},
                      double(layer.geometry().macs()),
                      quantizer.outcomes()[i]});
  }
  return layers;
}

template <typename... Values>
static std::string formatted(const char *format, Values... values) {
  std::array<char, 256> text;
  (void)std::snprintf(text.data(), text.size(), format, values...);
  return text.data();
}

/// A number that is only there if it was asked for.
static std::string numberOrDash(const char *format, double number) {
  return number > 0 ? formatted(format, number) : "-";
}

std::string toText(const QuantizationReport &report) {
  std::string text = formatted("%-24s %7s %6s %9s %8s %7s\n", "layer",
                               "weights", "inputs", "MACs", "error", "points");
  for (const QuantizedLayer &layer : report.layers) {
    text += formatted("%-24s %7d %6d %9.4g %7.3f%% %7lld\n", layer.name.c_str(),
                      layer.widths.weight, layer.widths.input, layer.macs,
                      100 * layer.outcome.outputError,
                      static_cast<long long>(layer.outcome.pointFilters));
  }
  text += formatted("\n%-24s %8s %8s %10s %11s %11s %10s %9s\n", "network",
                    "accuracy", "lost", "divergence", "bit-ops", "bytes",
                    "cycles", "us");
  const double floats = 100 * report.floatTotals.accuracy();
  text += formatted("%-24s %7.2f%%\n", "float32", floats);
  for (const QuantizationRow &row : report.rows) {
    const double accuracy = 100 * row.totals.accuracy();
    text += formatted("%-24s %7.2f%% %8.2f %10.5f %11.5g %11.0f %10s %9s\n",
                      row.name.c_str(), accuracy, floats - accuracy,
                      row.divergence, row.bitOperations, row.weightBytes,
                      numberOrDash("%.0f", row.cycles).c_str(),
                      numberOrDash("%.2f", row.microseconds).c_str());
  }
  return text;
}

nlohmann::json toJson(const QuantizationReport &report) {
  nlohmann::json json;
  json["float"] = {{"correct", report.floatTotals.correct},
                   {"images", report.floatTotals.images}};
  json["networks"] = nlohmann::json::array();
  for (const QuantizationRow &row : report.rows) {
    json["networks"].push_back({{"name", row.name},
                                {"correct", row.totals.correct},
                                {"images", row.totals.images},
                                {"divergence", row.divergence},
                                {"bitOperations", row.bitOperations},
                                {"weightBytes", row.weightBytes}});
    if (row.cycles > 0) {
      json["networks"].back()["cycles"] = row.cycles;
    }
    if (row.microseconds > 0) {
      json["networks"].back()["microseconds"] = row.microseconds;
    }
  }
  json["layers"] = nlohmann::json::array();
  for (const QuantizedLayer &layer : report.layers) {
    json["layers"].push_back(
        {{"layer", layer.name},
         {"weightBits", layer.widths.weight},
         {"inputBits", layer.widths.input},
         {"macs", layer.macs},
         {"outputError", layer.outcome.outputError},
         {"filtersWithPoints", layer.outcome.pointFilters}});
  }
  return json;
}

} // namespace lpgen::posttraining
