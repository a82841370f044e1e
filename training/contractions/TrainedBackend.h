// Products of a layer that is trained to run at few bits: the forward product
// by a generated kernel on the integers, both gradients in float32 on what the
// integers stand for.
#ifndef LPGEN_TRAINING_CONTRACTIONS_TRAINEDBACKEND_H
#define LPGEN_TRAINING_CONTRACTIONS_TRAINEDBACKEND_H

#include "training/contractions/FloatBackend.h"
#include "training/contractions/IntegerConv.h"
#include "training/quantizers/TrainedQuantizer.h"

namespace lpgen::quant {

class TrainedBackend : public nn::ContractionBackend {
public:
  TrainedBackend(const ConvGeometry &geometry,
                 std::unique_ptr<TrainedQuantizer> inputQuantizer,
                 std::unique_ptr<TrainedQuantizer> weightQuantizer,
                 KernelProvider &kernels)
      : geometry(geometry), conv(geometry, kernels), gradients(geometry),
        inputQuantizer(std::move(inputQuantizer)),
        weightQuantizer(std::move(weightQuantizer)) {}

  Status forward(const nn::FloatTensor &x, const nn::FloatTensor &weight,
                 nn::FloatTensor &y, const nn::StepContext &context) override;
  Status backward(const nn::FloatTensor &x, const nn::FloatTensor &weight,
                  const nn::FloatTensor &dy, nn::FloatTensor *dWeight,
                  nn::FloatTensor *dx, const nn::StepContext &context) override;
  void
  visitParameters(const std::function<void(nn::Parameter &)> &visit) override;
  void visitState(nn::StateVisitor &visitor) override;
  Result<networks::ForwardOperands> forwardOperands() const override;
  std::vector<nn::TensorReport> reportTensors() const override;
  std::string implementation(nn::Product product) const override;

private:
  ConvGeometry geometry;
  IntegerConv conv;
  nn::FloatBackend gradients;
  std::unique_ptr<TrainedQuantizer> inputQuantizer;
  std::unique_ptr<TrainedQuantizer> weightQuantizer;
  IntTensor input;
  IntTensor weights;
  nn::FloatTensor inputValues;
  nn::FloatTensor weightValues;
  nn::FloatTensor unwantedGradient; ///< dx where nobody takes it.
  nn::FloatTensor unwantedWeightGradient;
};

} // namespace lpgen::quant

#endif // LPGEN_TRAINING_CONTRACTIONS_TRAINEDBACKEND_H
