// Signs: of activations, and of weights with or without a scale for each
// filter.
#include "training/quantizers/ElementQuantizer.h"
#include "training/quantizers/FewBitQuantizers.h"
#include <algorithm>

namespace lpgen::quant {

static int signOf(float v) { return v >= 0 ? 1 : -1; }

static QuantParams signParams() {
  QuantParams params = {-1, 1, 1, QuantParams::Form::Sign};
  params.isOdd = true;
  return params;
}

namespace {

class Sign : public ElementQuantizer {
public:
  Sign(std::string tensor, float threshold)
      : ElementQuantizer(std::move(tensor), 1), threshold(threshold) {}

  bool encode(const nn::FloatTensor &x, const nn::StepContext &context,
              IntTensor &q) override {
    return encodeElements(x, 1, 1.0F, context, q, signOf);
  }
  void backward(const nn::FloatTensor &x, const nn::StepContext &context,
                nn::FloatTensor &gradient) override {
    multiplyElements(x, context, gradient, [&](float v) {
      return std::fabs(v) <= threshold ? 1.0F : 0.0F;
    });
  }
  std::optional<QuantParams> quantParams() const override {
    return signParams();
  }

private:
  float threshold;
};

class XnorWeights : public ElementQuantizer {
public:
  explicit XnorWeights(std::string tensor)
      : ElementQuantizer(std::move(tensor), 1) {}

  bool encode(const nn::FloatTensor &w, const nn::StepContext &context,
              IntTensor &q) override {
    const int64_t taps = w.sliceSize();
    alpha.resize(size_t(w.extent(0)));
    nn::forEachTask(context, w.extent(0), [&](int64_t filter) {
      double sum = 0;
      for (int64_t i = 0; i < taps; ++i) {
        sum += std::fabs(double(w[filter * taps + i]));
      }
      alpha[size_t(filter)] = float(sum / double(taps));
    });
    return encodeElements(w, 1, 1.0F, context, q, signOf);
  }
  void backward(const nn::FloatTensor &w, const nn::StepContext &context,
                nn::FloatTensor &gradient) override {
    const int64_t taps = w.sliceSize();
    nn::forEachTask(context, w.extent(0), [&](int64_t filter) {
      for (int64_t i = filter * taps; i < (filter + 1) * taps; ++i) {
        gradient[i] *= 1.0F / float(taps) +
                       (std::fabs(w[i]) <= 1 ? alpha[size_t(filter)] : 0.0F);
      }
    });
  }
  std::span<const float> filterScales() const override { return alpha; }
  std::optional<QuantParams> quantParams() const override {
    return signParams();
  }

private:
  std::vector<float> alpha; ///< By filter, of the last encode call.
};

} // namespace

std::unique_ptr<Quantizer> makeSign(const std::string &tensor,
                                    float threshold) {
  return std::make_unique<Sign>(tensor, threshold);
}
std::unique_ptr<Quantizer> makeXnorWeights(const std::string &tensor) {
  return std::make_unique<XnorWeights>(tensor);
}

} // namespace lpgen::quant
