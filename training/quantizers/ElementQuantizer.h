// What quantizers have in common that take each element by itself: those of
// networks that are trained to run at few bits.
#ifndef LPGEN_TRAINING_QUANTIZERS_ELEMENTQUANTIZER_H
#define LPGEN_TRAINING_QUANTIZERS_ELEMENTQUANTIZER_H

#include "training/core/ElementLoops.h"
#include "training/quantizers/Quantizer.h"
#include <cmath>
#include <limits>
#include <type_traits>

namespace lpgen::quant {

class ElementQuantizer : public Quantizer {
public:
  using Quantizer::Quantizer;
  Status quantize(const nn::FloatTensor &x, const nn::StepContext &context,
                  IntTensor &q) final;

protected:
  /// Makes q; false if an element of x is no number.
  virtual bool encode(const nn::FloatTensor &x, const nn::StepContext &context,
                      IntTensor &q) = 0;
  /// What lies between the codes' ends, half a step beyond them included.
  struct Range {
    float lowest = -std::numeric_limits<float>::infinity();
    float highest = std::numeric_limits<float>::infinity();
  };
  /// The x that encode does not clip; all unless a quantizer says so.
  virtual Range unclipped() const { return {}; }

private:
  void countLosses(const nn::FloatTensor &x, const IntTensor &q,
                   const nn::StepContext &context);
};

/// q[i] = code(x[i]), |code| <= max; q gets this maximum and scale. False if an
/// element of x is no number.
template <typename Code>
bool encodeElements(const nn::FloatTensor &x, int32_t max, float scale,
                    const nn::StepContext &context, IntTensor &q, Code code) {
  q.reset(x.size(), max, scale);
  const double invalid = q.visit([&](auto *codes) {
    using Element = std::remove_reference_t<decltype(*codes)>;
    return sumElements(x.size(), context, [&](int64_t i) {
      if (std::isnan(x[i])) {
        return 1.0;
      }
      codes[i] = Element(code(x[i]));
      return 0.0;
    });
  });
  return invalid == 0;
}

} // namespace lpgen::quant

#endif // LPGEN_TRAINING_QUANTIZERS_ELEMENTQUANTIZER_H
