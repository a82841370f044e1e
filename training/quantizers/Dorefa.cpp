// DoReFa-Net's weights and activations, and PACT, whose activations are the
// same but for the learned end of the range.
#include "training/quantizers/ElementQuantizer.h"
#include "training/quantizers/FewBitQuantizers.h"
#include <algorithm>

namespace lpgen::quant {

namespace {

class DorefaWeights : public ElementQuantizer {
public:
  DorefaWeights(std::string tensor, int bits)
      : ElementQuantizer(std::move(tensor), bits),
        levels((int32_t{1} << bits) - 1) {}

  bool encode(const nn::FloatTensor &w, const nn::StepContext &context,
              IntTensor &q) override {
    if (levels == 1) {
      const double sum = sumElements(w.size(), context, [&](int64_t i) {
        return std::fabs(double(w[i]));
      });
      const auto mean = float(sum / double(w.size()));
      return encodeElements(w, 1, std::max(mean, 1e-12F), context, q,
                            [](float v) { return v >= 0 ? 1 : -1; });
    }
    greatest = 1e-12F;
    for (const float v : w.values()) {
      greatest = std::max(greatest, std::fabs(std::tanh(v)));
    }
    const auto n = float(levels);
    return encodeElements(w, levels, 1.0F / n, context, q, [&](float v) {
      const float r = std::tanh(v) / (2 * greatest) + 0.5F;
      return 2 * std::lrint(n * r) - levels;
    });
  }
  void backward(const nn::FloatTensor &w, const nn::StepContext &context,
                nn::FloatTensor &gradient) override {
    if (levels > 1) {
      multiplyElements(w, context, gradient, [&](float v) {
        const float t = std::tanh(v);
        return (1 - t * t) / greatest;
      });
    }
  }

  std::optional<QuantParams> quantParams() const override {
    QuantParams params = {-levels, levels};
    params.isOdd = true;
    return params;
  }

private:
  int32_t levels;     ///< 2^bits - 1
  float greatest = 1; ///< max|tanh(w)| of the last encode call.
};

/// [0, end] in 2^bits - 1 steps.
class ClippedActivations : public ElementQuantizer {
public:
  ClippedActivations(std::string tensor, int bits)
      : ElementQuantizer(std::move(tensor), bits),
        levels((int32_t{1} << bits) - 1) {}

  bool encode(const nn::FloatTensor &x, const nn::StepContext &context,
              IntTensor &q) override {
    const float top = end();
    const auto n = float(levels);
    return encodeElements(x, levels, top / n, context, q, [&](float v) {
      return std::lrint(std::clamp(v, 0.0F, top) * (n / top));
    });
  }

  std::optional<QuantParams> quantParams() const override {
    return QuantParams{0, levels, end() / float(levels),
                       QuantParams::Form::Clipped, end()};
  }

protected:
  virtual float end() const = 0;
  Range unclipped() const override {
    const float half = end() / (2 * float(levels));
    return {-half, end() + half};
  }
  int32_t levels; ///< 2^bits - 1
};

class DorefaActivations : public ClippedActivations {
public:
  using ClippedActivations::ClippedActivations;
  void backward(const nn::FloatTensor &x, const nn::StepContext &context,
                nn::FloatTensor &gradient) override {
    multiplyElements(x, context, gradient,
                     [](float v) { return v >= 0 && v <= 1 ? 1.0F : 0.0F; });
  }

protected:
  float end() const override { return 1.0F; }
};

class Pact : public ClippedActivations {
public:
  Pact(const std::string &tensor, int bits) : ClippedActivations(tensor, bits) {
    alpha.name = tensor + ".alpha";
    alpha.value.resize({1});
    alpha.gradient.resize({1});
    alpha.value[0] = 8;
  }
  void backward(const nn::FloatTensor &x, const nn::StepContext &context,
                nn::FloatTensor &gradient) override {
    const float top = end();
    alpha.gradient[0] = float(sumElements(x.size(), context, [&](int64_t i) {
      return x[i] >= top ? double(gradient[i]) : 0.0;
    }));
    multiplyElements(x, context, gradient,
                     [&](float v) { return v > 0 && v < top ? 1.0F : 0.0F; });
  }
  void
  visitParameters(const std::function<void(nn::Parameter &)> &visit) override {
    visit(alpha);
  }

protected:
  /// The optimizer may push alpha to where no range can end.
  float end() const override { return std::max(alpha.value[0], 1e-3F); }

private:
  nn::Parameter alpha;
};

} // namespace

std::unique_ptr<Quantizer> makeDorefaWeights(const std::string &tensor,
                                             int bits) {
  return std::make_unique<DorefaWeights>(tensor, bits);
}
std::unique_ptr<Quantizer> makeDorefaActivations(const std::string &tensor,
                                                 int bits) {
  return std::make_unique<DorefaActivations>(tensor, bits);
}
std::unique_ptr<Quantizer> makePact(const std::string &tensor, int bits) {
  return std::make_unique<Pact>(tensor, bits);
}

} // namespace lpgen::quant
