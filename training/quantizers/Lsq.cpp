// Learned step size quantization.
#include "training/quantizers/ElementQuantizer.h"
#include "training/quantizers/FewBitQuantizers.h"
#include <algorithm>

namespace lpgen::quant {

namespace {

class Lsq : public ElementQuantizer {
public:
  Lsq(const std::string &tensor, int bits, LsqTensor kind)
      : ElementQuantizer(tensor, bits), kind(kind) {
    const bool isUnsigned = kind == LsqTensor::Activation;
    lowest = isUnsigned ? 0 : -(int32_t{1} << (bits - 1));
    highest = (int32_t{1} << (isUnsigned ? bits : bits - 1)) - 1;
    step.name = tensor + ".step";
    step.decays = false;
    step.value.resize({1});
    step.gradient.resize({1});
    step.value[0] = 1;
  }

  bool encode(const nn::FloatTensor &x, const nn::StepContext &context,
              IntTensor &q) override {
    if (context.isTraining() && isStarted == 0) {
      const double sum = sumElements(x.size(), context, [&](int64_t i) {
        return std::fabs(double(x[i]));
      });
      step.value[0] =
          float(2 * sum / double(x.size()) / std::sqrt(double(highest)));
      isStarted = 1;
    }
    const float s = currentStep();
    return encodeElements(x, std::max(highest, -lowest), s, context, q,
                          [&](float v) { return std::lrint(clip(v / s)); });
  }

  void backward(const nn::FloatTensor &x, const nn::StepContext &context,
                nn::FloatTensor &gradient) override {
    const float s = currentStep();
    const double sum = sumElements(x.size(), context, [&](int64_t i) {
      const float v = x[i] / s;
      const float slope = isInside(v) ? std::nearbyint(v) - v : clip(v);
      return double(gradient[i]) * double(slope);
    });
    const int64_t count = kind == LsqTensor::Weight ? x.size() : x.sliceSize();
    step.gradient[0] = float(sum / std::sqrt(double(count) * double(highest)));
    multiplyElements(x, context, gradient,
                     [&](float v) { return isInside(v / s) ? 1.0F : 0.0F; });
  }
  std::optional<QuantParams> quantParams() const override {
    return QuantParams{lowest, highest, currentStep()};
  }
  void
  visitParameters(const std::function<void(nn::Parameter &)> &visit) override {
    visit(step);
  }
  void visitState(nn::StateVisitor &visitor) override {
    visitor.visit(step.name + ".isStarted", isStarted);
  }

protected:
  Range unclipped() const override {
    const float s = currentStep();
    return {(float(lowest) - 0.5F) * s, (float(highest) + 0.5F) * s};
  }

private:
  /// The optimizer may push it to where no step can be.
  float currentStep() const { return std::max(step.value[0], 1e-6F); }
  float clip(float v) const {
    return std::clamp(v, float(lowest), float(highest));
  }
  bool isInside(float v) const {
    return v > float(lowest) && v < float(highest);
  }

  LsqTensor kind;
  int32_t lowest = 0;
  int32_t highest = 0;
  nn::Parameter step;
  int32_t isStarted = 0;
};

} // namespace

std::unique_ptr<Quantizer> makeLsq(const std::string &tensor, int bits,
                                   LsqTensor kind) {
  return std::make_unique<Lsq>(tensor, bits, kind);
}

} // namespace lpgen::quant
