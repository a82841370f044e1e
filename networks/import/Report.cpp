// The table of `lpgen inspect`, as text and as JSON.
#include "networks/import/Report.h"
#include "base/system/Text.h"
#include "networks/import/Names.h"
#include "networks/import/TableText.h"
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace lpgen::importer {

std::string describe(const Finding &finding) {
  return "node " + quotedForMessage(finding.node) + " (" + finding.operation +
         ")" +
         (finding.attribute.empty()
              ? ""
              : ", " + quotedForMessage(finding.attribute)) +
         ": " + finding.reason +
         (finding.remedy.empty() ? "" : "; " + finding.remedy);
}

/// Bytes of the weights if each takes `bits`.
static int64_t packedBytes(int64_t weights, unsigned bits) {
  return (weights * bits + 7) / 8;
}
static unsigned orFloat(unsigned bits) { return bits == 0 ? 32 : bits; }
static std::string bitsText(unsigned declared, unsigned used) {
  if (declared == 0 && used == 0) {
    return "f32";
  }
  return std::to_string(declared) + "/" + std::to_string(used);
}

using Row = std::vector<std::string>;

static Row rowOf(const Layer &layer) {
  return {layer.name,
          layer.operation,
          layer.shape,
          std::to_string(layer.macs),
          std::to_string(layer.weights),
          bitsText(layer.declaredWeightBits, layer.usedWeightBits),
          bitsText(layer.declaredInputBits, layer.usedInputBits),
          layer.encoding,
          layer.scales,
          layer.accumulatorBits == 0 ? ""
                                     : std::to_string(layer.accumulatorBits),
          std::to_string(
              packedBytes(layer.weights, orFloat(layer.usedWeightBits)))};
}

namespace {
struct Totals {
  int64_t macs = 0;
  int64_t weights = 0;
  int64_t bytes = 0;
};
} // namespace

static Totals totalsOf(const Report &report) {
  Totals totals;
  for (const Layer &layer : report.layers) {
    totals.macs += layer.macs;
    totals.weights += layer.weights;
    totals.bytes += packedBytes(layer.weights, orFloat(layer.usedWeightBits));
  }
  return totals;
}

static bool hasKernels(const Report &report) {
  return std::ranges::any_of(
      report.layers, [](const Layer &layer) { return !layer.kernel.empty(); });
}

static std::string cyclesText(std::optional<double> cycles) {
  return cycles ? std::to_string(std::llround(*cycles)) : "";
}

/// "; 1200 cycles expected of 2 of 3 layers for one image"
static std::string expectedText(const Report &report) {
  double sum = 0;
  size_t known = 0;
  for (const Layer &layer : report.layers) {
    sum += layer.expectedCycles.value_or(0);
    known += layer.expectedCycles ? 1 : 0;
  }
  return "; " + cyclesText(sum) + " cycles expected of " +
         std::to_string(known) + " of " + std::to_string(report.layers.size()) +
         " layers for one image";
}

std::string reportText(const Report &report) {
  std::vector<Row> rows = {{"layer", "operator", "shape", "MACs", "weights",
                            "w bits", "x bits", "types", "scales", "acc",
                            "bytes"}};
  const bool showsKernels = hasKernels(report);
  if (showsKernels) {
    rows[0].insert(rows[0].end(), {"kernel", "cycles"});
  }
  for (const Layer &layer : report.layers) {
    rows.push_back(rowOf(layer));
    if (showsKernels) {
      rows.back().push_back(layer.kernel);
      rows.back().push_back(cyclesText(layer.expectedCycles));
    }
    rows.back()[0] = quotedForMessage(layer.name);
    rows.back()[0] = rows.back()[0].substr(1, rows.back()[0].size() - 2);
  }
  const Totals totals = totalsOf(report);
  std::string text = quotedForMessage(report.file) + ": " + report.format +
                     (report.producer.empty()
                          ? ""
                          : ", made by " + quotedForMessage(report.producer)) +
                     "; bits are declared/used\n" + tableText(rows) +
                     "total: " + std::to_string(totals.macs) + " MACs, " +
                     std::to_string(totals.weights) + " weights in " +
                     std::to_string(totals.bytes) + " bytes (int8 " +
                     std::to_string(totals.weights) + ", float32 " +
                     std::to_string(4 * totals.weights) + ")" +
                     (showsKernels ? expectedText(report) : "") + "\n";
  for (const std::string &note : report.notes) {
    text += "note: " + oneLine(note) + "\n";
  }
  for (const Finding &finding : report.findings) {
    text += "unsupported: " + describe(finding) + "\n";
  }
  return text;
}

std::string reportJson(const Report &report) {
  using json = nlohmann::ordered_json;
  json layers = json::array();
  for (const Layer &layer : report.layers) {
    layers.push_back(
        {{"name", layer.name},
         {"operator", layer.operation},
         {"shape", layer.shape},
         {"macs", layer.macs},
         {"weights", layer.weights},
         {"declaredWeightBits", layer.declaredWeightBits},
         {"usedWeightBits", layer.usedWeightBits},
         {"declaredInputBits", layer.declaredInputBits},
         {"usedInputBits", layer.usedInputBits},
         {"types", layer.encoding},
         {"scales", layer.scales},
         {"accumulatorBits", layer.accumulatorBits},
         {"packedBytes",
          packedBytes(layer.weights, orFloat(layer.usedWeightBits))}});
    if (!layer.kernel.empty()) {
      layers.back()["kernel"] = layer.kernel;
      layers.back()["expectedCycles"] =
          layer.expectedCycles ? json(*layer.expectedCycles) : json();
    }
  }
  json findings = json::array();
  for (const Finding &finding : report.findings) {
    findings.push_back({{"node", finding.node},
                        {"operator", finding.operation},
                        {"attribute", finding.attribute},
                        {"reason", finding.reason},
                        {"remedy", finding.remedy}});
  }
  const Totals totals = totalsOf(report);
  const json all = {{"file", report.file},
                    {"format", report.format},
                    {"producer", report.producer},
                    {"layers", std::move(layers)},
                    {"macs", totals.macs},
                    {"weights", totals.weights},
                    {"packedBytes", totals.bytes},
                    {"notes", report.notes},
                    {"unsupported", std::move(findings)}};
  // Names are any bytes.
  return all.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

} // namespace lpgen::importer
