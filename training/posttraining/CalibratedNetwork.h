// A float32 run as the layers that post-training quantization works on: each
// has weights, an offset for each output, and nothing else that is trained.
#ifndef LPGEN_TRAINING_POSTTRAINING_CALIBRATEDNETWORK_H
#define LPGEN_TRAINING_POSTTRAINING_CALIBRATEDNETWORK_H

#include "training/loop/StoredRun.h"
#include "training/posttraining/CalibratedBackend.h"
#include <optional>

namespace lpgen::posttraining {

struct CalibratedLayer {
  CalibratedBackend *backend = nullptr;
  nn::Parameter *weight = nullptr;
  /// Added to the outputs: its bias, or what batch norm adds.
  nn::Parameter *offset = nullptr;
  /// The position of the layer whose outputs, times any positive factor, are
  /// times that factor the inputs of this one, and of no other; -1: none.
  int before = -1;

  const nn::LayerSpec &spec() const { return backend->layer(); }
  const ConvGeometry &geometry() const { return backend->layer().geometry; }
};

class CalibratedNetwork {
public:
  /// Opens a run of policy float32 and folds its batch norms into the weights
  /// before them; or takes another network in place of a run, if there is one.
  /// `calibrationImages` are the first of the training images in the run's
  /// random order.
  static Result<std::unique_ptr<CalibratedNetwork>>
  open(train::StoredRunOptions options, int64_t calibrationImages,
       const std::optional<train::ForeignNetwork> &other = std::nullopt);

  std::vector<CalibratedLayer> &layers() { return found; }
  train::StoredRun &run() { return *stored; }
  void use(Arithmetic arithmetic);
  /// Forward of the calibration images, on which the backends' watches see
  /// their tensors.
  Status runCalibration(nn::FloatTensor &scores);
  const std::vector<uint8_t> &labels() const { return calibration.labels; }
  /// On the test images.
  Result<train::Totals> evaluate() { return stored->trainer().evaluate(); }
  nn::StepContext context() { return stored->trainer().evaluation(); }

private:
  CalibratedNetwork() = default;
  Status findLayers();

  std::unique_ptr<train::StoredRun> stored;
  std::vector<CalibratedLayer> found;
  data::Batch calibration;
};

} // namespace lpgen::posttraining

#endif // LPGEN_TRAINING_POSTTRAINING_CALIBRATEDNETWORK_H
