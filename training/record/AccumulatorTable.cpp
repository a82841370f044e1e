// Builds the network to see its layers.
#include "training/record/AccumulatorTable.h"
#include "training/contractions/AccumulatorPlan.h"
#include "training/contractions/FloatBackend.h"
#include <algorithm>

namespace lpgen::train {

static std::string padded(const std::string &text, size_t width) {
  return text + std::string(width - std::min(width, text.size()), ' ');
}

Result<std::string> accumulatorTable(const nn::ModelSpec &model,
                                     int64_t batchSize) {
  constexpr int productMantissa = 5;
  constexpr int64_t chunk = 64;
  std::string text =
      "layer                 product         terms     int8, exact  mantissa  "
      "in chunks of 64\n";
  const auto mantissaOf = [](nn::LayerPlace place, int64_t n,
                             int64_t inChunks) {
    return quant::plannedMantissa(place, productMantissa, n, inChunks, 0);
  };
  const auto describe = [&](const nn::LayerSpec &layer)
      -> Result<std::unique_ptr<nn::ContractionBackend>> {
    const std::array<int64_t, 3> lengths =
        quant::reductionLengths(layer.geometry, batchSize);
    for (size_t i = 0; i < lengths.size(); ++i) {
      if (layer.place == nn::LayerPlace::First &&
          nn::Product(i) == nn::Product::InputGradient) {
        continue; // Nobody takes it.
      }
      const int64_t n = lengths[i];
      text +=
          padded(layer.name, 22) + padded(nn::productNames[i], 16) +
          padded(std::to_string(n), 10) +
          padded(std::to_string(quant::exactAccumulatorBits(n, 127, 127)), 13) +
          padded(std::to_string(mantissaOf(layer.place, n, 0)), 10) +
          std::to_string(mantissaOf(layer.place, n, chunk)) + "\n";
    }
    return std::unique_ptr<nn::ContractionBackend>(
        std::make_unique<nn::FloatBackend>(layer.geometry));
  };
  const Result<std::unique_ptr<nn::Layer>> built =
      nn::buildModel(model, describe, nn::RandomKey(0));
  LPGEN_RETURN_IF_ERROR(built.status());
  return text;
}

} // namespace lpgen::train
