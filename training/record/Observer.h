// Observers see every update of a run and change nothing: what is logged,
// counted or drawn of a run comes from them.
#ifndef LPGEN_TRAINING_RECORD_OBSERVER_H
#define LPGEN_TRAINING_RECORD_OBSERVER_H

#include "training/contractions/ContractionBackend.h"
#include "training/layers/Loss.h"
#include <string>
#include <vector>

namespace lpgen::train {

/// A layer with weights, and what multiplies there.
struct ObservedLayer {
  std::string name;
  const nn::ContractionBackend *backend = nullptr;
};

/// One update, seen when it is done.
struct StepView {
  int64_t step = 0; ///< Updates done, this one among them.
  nn::LossValue loss;
  double seconds = 0; ///< Of the whole step, observers left out.
};

class Observer {
public:
  virtual ~Observer() = default;
  /// The layers are those of the network in the order of forward, the same in
  /// every call.
  virtual void beforeStep(const std::vector<ObservedLayer> &layers) = 0;
  /// An error ends the run.
  virtual Status afterStep(const std::vector<ObservedLayer> &layers,
                           const StepView &view) = 0;
};

} // namespace lpgen::train

#endif // LPGEN_TRAINING_RECORD_OBSERVER_H
