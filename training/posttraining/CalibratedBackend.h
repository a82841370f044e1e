// The product of a layer whose network was trained in float32 and is now given
// integers: as float32, as integers by generated kernels, or as what these
// integers stand for, which needs no kernel.
#ifndef LPGEN_TRAINING_POSTTRAINING_CALIBRATEDBACKEND_H
#define LPGEN_TRAINING_POSTTRAINING_CALIBRATEDBACKEND_H

#include "training/contractions/FloatBackend.h"
#include "training/contractions/IntegerConv.h"
#include "training/policies/Policy.h"
#include <optional>

namespace lpgen::posttraining {

/// One set of integer weights of the first filters of a layer, or of all:
/// w ~ scales[o] codes[o, ...].
struct WeightPoint {
  QuantParams grid; ///< Its scale means nothing.
  std::vector<int32_t> codes;
  std::vector<float> scales; ///< By output.
};

/// Of one layer. Its weights are the sum of the points; the first has all
/// filters, each later one no more than those before.
struct LayerIntegers {
  int inputBits = 8;
  int weightBits = 8;
  QuantParams input;
  std::vector<WeightPoint> points;

  /// Filters of all points, by those of the first.
  double filtersOfOne() const {
    double sum = 0;
    for (const WeightPoint &point : points) {
      sum += double(point.scales.size()) / double(points[0].scales.size());
    }
    return sum;
  }
};

enum class Arithmetic {
  Float,    ///< Weights and inputs as they were trained.
  Emulated, ///< Float products of what the integers stand for.
  Integer   ///< Kernels; what is exported.
};

class CalibratedBackend : public nn::ContractionBackend {
public:
  CalibratedBackend(const nn::LayerSpec &layer, KernelProvider &kernels)
      : spec(layer), kernels(&kernels), floats(layer.geometry) {}

  /// Emulated and integer products need integers.
  Status forward(const nn::FloatTensor &x, const nn::FloatTensor &weight,
                 nn::FloatTensor &y, const nn::StepContext &context) override;
  Status backward(const nn::FloatTensor &x, const nn::FloatTensor &weight,
                  const nn::FloatTensor &dy, nn::FloatTensor *dWeight,
                  nn::FloatTensor *dx, const nn::StepContext &context) override;
  nn::BackendReport report() const override;
  Result<networks::ForwardOperands> forwardOperands() const override;

  const nn::LayerSpec &layer() const { return spec; }
  void use(Arithmetic wanted) { arithmetic = wanted; }
  void setIntegers(LayerIntegers given);
  const std::optional<LayerIntegers> &integers() const { return chosen; }
  /// Called with x before the product, which it may give integers to, and with
  /// y after it; either may be empty.
  using Watch = std::function<void(const nn::FloatTensor &tensor)>;
  void watch(Watch before, Watch after) {
    beforeProduct = std::move(before);
    afterProduct = std::move(after);
  }

private:
  Status multiplyIntegers(const nn::FloatTensor &x, nn::FloatTensor &y,
                          const nn::StepContext &context);

  nn::LayerSpec spec;
  KernelProvider *kernels;
  nn::FloatBackend floats;
  Arithmetic arithmetic = Arithmetic::Float;
  std::optional<LayerIntegers> chosen;
  std::vector<quant::IntegerConv> convs; ///< By point.
  Watch beforeProduct;
  Watch afterProduct;
  // Reused.
  quant::IntTensor input;
  quant::IntTensor weights;
  nn::FloatTensor inputValues;
  nn::FloatTensor weightValues;
  nn::FloatTensor term;
  nn::FloatTensor sum;
};

/// q = round(clamp(x / scale, lowest, highest)), at scale 1; false if an
/// element of x is no number.
bool encodeInput(const nn::FloatTensor &x, const QuantParams &grid,
                 const nn::StepContext &context, quant::IntTensor &q);

/// The sum of the points, [outputs, reduction].
void decodeWeights(const LayerIntegers &integers, nn::FloatTensor &weights);

/// Gives every layer such a backend; the network is float32 at first.
class CalibratedPolicy : public train::Policy {
public:
  explicit CalibratedPolicy(KernelProvider &kernels) : kernels(&kernels) {}
  Result<std::unique_ptr<nn::ContractionBackend>>
  makeBackend(const nn::LayerSpec &layer) override {
    auto backend = std::make_unique<CalibratedBackend>(layer, *kernels);
    made.push_back(backend.get());
    return std::unique_ptr<nn::ContractionBackend>(std::move(backend));
  }
  /// In the order of forward; owned by the layers.
  const std::vector<CalibratedBackend *> &backends() const { return made; }

private:
  KernelProvider *kernels;
  std::vector<CalibratedBackend *> made;
};

} // namespace lpgen::posttraining

#endif // LPGEN_TRAINING_POSTTRAINING_CALIBRATEDBACKEND_H
