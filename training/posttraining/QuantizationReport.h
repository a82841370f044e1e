// What quantization made of a network, as tables.
#ifndef LPGEN_TRAINING_POSTTRAINING_QUANTIZATIONREPORT_H
#define LPGEN_TRAINING_POSTTRAINING_QUANTIZATIONREPORT_H

#include "training/posttraining/PostTraining.h"
#include <nlohmann/json_fwd.hpp>

namespace lpgen::posttraining {

/// One quantized network.
struct QuantizationRow {
  std::string name;
  train::Totals totals;  ///< On the test images, by kernels.
  double divergence = 0; ///< On the calibration images.
  double bitOperations = 0;
  double weightBytes = 0;
  double cycles = 0;       ///< Of an image, expected; 0: not asked.
  double microseconds = 0; ///< Of an image, measured; 0: not asked.
};

struct QuantizedLayer {
  std::string name;
  LayerWidths widths;
  double macs = 0;
  LayerOutcome outcome;
};

struct QuantizationReport {
  train::Totals floatTotals;
  std::vector<QuantizationRow> rows;  ///< The last is what was asked for.
  std::vector<QuantizedLayer> layers; ///< Of the last row.
};

/// Of the state after PostTraining::quantize.
QuantizationRow rowOf(const PostTraining &quantizer, const std::string &name,
                      const train::Totals &totals);
std::vector<QuantizedLayer> layersOf(const PostTraining &quantizer);

std::string toText(const QuantizationReport &report);
nlohmann::json toJson(const QuantizationReport &report);

} // namespace lpgen::posttraining

#endif // LPGEN_TRAINING_POSTTRAINING_QUANTIZATIONREPORT_H
