// Builds the network to see its layers.
#include "training/record/AccumulatorTable.h"
#include "training/contractions/AccumulatorPlan.h"
#include "training/contractions/FloatBackend.h"
#include <algorithm>
#include <nlohmann/json.hpp>

namespace lpgen::train {

namespace {
struct Row {
  std::string layer;
  const char *product;
  int64_t terms;
  int exactBits, mantissa, mantissaInChunks;
};
} // namespace

static std::string padded(const std::string &text, size_t width) {
  return text + std::string(width - std::min(width, text.size()), ' ');
}

static void addRows(const nn::LayerSpec &layer, int64_t batchSize,
                    std::vector<Row> &rows) {
  constexpr int productMantissa = 5;
  constexpr int64_t chunk = 64;
  const auto mantissaOf = [&](int64_t n, int64_t inChunks) {
    return quant::plannedMantissa(layer.place, productMantissa, n, inChunks, 0);
  };
  const std::array<int64_t, 3> lengths =
      quant::reductionLengths(layer.geometry, batchSize);
  for (size_t i = 0; i < lengths.size(); ++i) {
    if (layer.place == nn::LayerPlace::First &&
        nn::Product(i) == nn::Product::InputGradient) {
      continue; // Nobody takes it.
    }
    const int64_t n = lengths[i];
    rows.push_back({layer.name, nn::productNames[i], n,
                    quant::exactAccumulatorBits(n, 127, 127), mantissaOf(n, 0),
                    mantissaOf(n, chunk)});
  }
}

static std::string toText(const std::vector<Row> &rows) {
  std::string text =
      "layer                 product         terms     int8, exact  mantissa  "
      "in chunks of 64\n";
  for (const Row &row : rows) {
    text += padded(row.layer, 22) + padded(row.product, 16) +
            padded(std::to_string(row.terms), 10) +
            padded(std::to_string(row.exactBits), 13) +
            padded(std::to_string(row.mantissa), 10) +
            std::to_string(row.mantissaInChunks) + "\n";
  }
  return text;
}

static std::string toJson(const std::vector<Row> &rows) {
  nlohmann::json list = nlohmann::json::array();
  for (const Row &row : rows) {
    list.push_back({{"layer", row.layer},
                    {"product", row.product},
                    {"terms", row.terms},
                    {"exactBits", row.exactBits},
                    {"mantissa", row.mantissa},
                    {"mantissaInChunks", row.mantissaInChunks}});
  }
  return list.dump(2) + "\n";
}

Result<std::string> accumulatorTable(const nn::ModelSpec &model,
                                     int64_t batchSize, TableFormat format) {
  std::vector<Row> rows;
  const auto describe = [&](const nn::LayerSpec &layer)
      -> Result<std::unique_ptr<nn::ContractionBackend>> {
    addRows(layer, batchSize, rows);
    return std::unique_ptr<nn::ContractionBackend>(
        std::make_unique<nn::FloatBackend>(layer.geometry));
  };
  const Result<std::unique_ptr<nn::Layer>> built =
      nn::buildModel(model, describe, nn::RandomKey(0));
  LPGEN_RETURN_IF_ERROR(built.status());
  return format == TableFormat::Json ? toJson(rows) : toText(rows);
}

} // namespace lpgen::train
