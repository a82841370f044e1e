// Records an epoch for the log: of each layer its kernels and seconds, of each
// tensor a histogram of its widths and the elements that saturated or
// underflowed, and samples of all that in the course of the epoch.
#ifndef LPGEN_TRAINING_RECORD_STEPRECORDER_H
#define LPGEN_TRAINING_RECORD_STEPRECORDER_H

#include "training/record/Observer.h"
#include <map>
#include <nlohmann/json.hpp>

namespace lpgen::train {

class StepRecorder : public Observer {
public:
  /// A sample stands for `interval` >= 1 steps.
  void sampleEvery(int64_t steps) { interval = steps; }

  void beforeStep(const std::vector<ObservedLayer> &layers) override;
  Status afterStep(const std::vector<ObservedLayer> &layers,
                   const StepView &view) override;

  /// What was seen since the last clear, as docs/guide/training.md describes
  /// it. The open sample is closed.
  nlohmann::json record();
  /// Goes on from the record of an epoch that is under way, or from nothing if
  /// `open` is null; what is counted since the start of the run, from that or
  /// from the record of the epoch before, `last`. An error says what is wrong
  /// with a record; the recorder then is as if new.
  Status restore(const nlohmann::json &open,
                 const nlohmann::json &last = nullptr);
  /// Begins an epoch.
  void clear();

private:
  /// Elements of a tensor.
  struct Counts {
    int64_t quantized = 0;
    int64_t saturated = 0;
    int64_t underflown = 0;
    int64_t updates = 0;
  };
  struct Tensor {
    std::string name;
    int bits = 0; ///< Now.
    std::map<int, int64_t> stepsAtBits;
    Counts before; ///< When the step began, since the start of the run.
    Counts epoch;
    Counts sample;
  };
  /// Forward, input gradient, weight gradient, quantize, statistics.
  using Seconds = std::array<double, 5>;
  struct Layer {
    std::string name;
    std::array<std::string, 3> implementation; ///< By Product.
    Seconds before = {};
    Seconds epoch = {};
    nn::ContractionWork workBefore;
    nn::ContractionWork work; ///< Of the epoch.
    int lossScaleExponent = 0;
    std::vector<nn::AccumulatorReport> accumulatorsBefore;
    std::vector<Tensor> tensors;
  };
  /// Of the open sample.
  struct Sums {
    double loss = 0;
    int64_t correct = 0;
    int64_t images = 0;
    double seconds = 0;
    int64_t steps = 0;
  };

  static Seconds secondsOf(const nn::LayerTimes &times);
  static Counts countsOf(const nn::TensorReport &report);
  static nlohmann::json
  describe(const Layer &layer,
           const std::vector<nn::AccumulatorReport> &accumulators);
  bool restoreLayer(const nlohmann::json &from);
  bool restoreAccumulators(const nlohmann::json &record);
  void closeSample();

  int64_t interval = 1;
  int64_t step = 0;
  double ownSeconds = 0;
  std::vector<Layer> observed;
  /// By layer, of the steps since the start of the run.
  std::vector<std::vector<nn::AccumulatorReport>> accumulators;
  Sums open;
  nlohmann::json samples = nlohmann::json::array();
};

} // namespace lpgen::train

#endif // LPGEN_TRAINING_RECORD_STEPRECORDER_H
