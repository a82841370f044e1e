// A given width, the scale from the present maximum: what policies use that
// choose widths themselves.
#ifndef LPGEN_RUNTIME_QUANT_RANGEQUANTIZER_H
#define LPGEN_RUNTIME_QUANT_RANGEQUANTIZER_H

#include "runtime/quant/Quantize.h"
#include "runtime/quant/Quantizer.h"

namespace lpgen::quant {

/// scale = max|x| / (2^(bits-1) - 1), so that nothing saturates. A tensor that
/// never had a negative element, as behind relu, takes all codes of its width:
/// scale = max|x| / (2^bits - 1), up to 7 bits. The policy owns the width,
/// which must outlive this and may change between steps.
class RangeQuantizer : public Quantizer {
public:
  RangeQuantizer(std::string tensor, const int &bits, Rounding rounding)
      : Quantizer(std::move(tensor)), bits(bits), rounding(rounding) {
    counts.bits = bits;
  }
  Status quantize(const nn::FloatTensor &x, const nn::Pass &pass, IntTensor &q,
                  double &statisticsSeconds) override;
  std::optional<nn::IntegerGrid> grid() const override;
  void visitState(nn::StateVisitor &visitor) override;

private:
  const int &bits;
  CodeRange codes() const {
    return hasNegative ? symmetricCodes(bits) : unsignedCodes(bits);
  }

  Rounding rounding;
  bool hasNegative = false; ///< In any step of training.
};

} // namespace lpgen::quant

#endif // LPGEN_RUNTIME_QUANT_RANGEQUANTIZER_H
