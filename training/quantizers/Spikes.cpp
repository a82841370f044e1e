// A copy that checks.
#include "training/quantizers/Spikes.h"
#include "training/quantizers/ElementQuantizer.h"

namespace lpgen::quant {

namespace {

class Spikes : public Quantizer {
public:
  explicit Spikes(const std::string &tensor) : Quantizer(tensor, 1) {}

  Status quantize(const nn::FloatTensor &x, const nn::StepContext &context,
                  IntTensor &q) override {
    q.reset(x.size(), 1, 1.0F);
    q.setNonNegative();
    auto *codes = q.elements<int8_t>();
    const double others = sumElements(x.size(), context, [&](int64_t i) {
      codes[i] = x[i] == 1.0F ? 1 : 0;
      return x[i] == float(codes[i]) ? 0.0 : 1.0;
    });
    if (context.isTraining()) {
      count(x.size(), 0, 0);
    }
    return others == 0
               ? Status::success()
               : Status::error("tensor '" + tensor() +
                               "' holds values that are no spikes, 0 or 1");
  }
  std::optional<QuantParams> quantParams() const override {
    return QuantParams{0, 1, 1.0F};
  }
  void visitState(nn::StateVisitor &visitor) override { visitCounts(visitor); }
};

} // namespace

std::unique_ptr<Quantizer> makeSpikes(const std::string &tensor) {
  return std::make_unique<Spikes>(tensor);
}

} // namespace lpgen::quant
