// A given width and a scale from what the tensor holds: what policies use that
// choose widths themselves.
#ifndef LPGEN_TRAINING_QUANTIZERS_RANGEQUANTIZER_H
#define LPGEN_TRAINING_QUANTIZERS_RANGEQUANTIZER_H

#include "training/quantizers/Quantize.h"
#include "training/quantizers/Quantizer.h"

namespace lpgen::quant {

/// scale = limit / (2^(bits-1) - 1). A tensor that never had a negative
/// element, as behind relu, takes all codes of its width: scale = limit /
/// (2^bits - 1), up to 7 bits. With 8 bits or more the limit is the present
/// max|x|, so that nothing saturates. With fewer it is the one of least noise
/// (MagnitudeHistogram) in the last measured tensor. The policy owns the width,
/// which must outlive this and may change between steps.
class RangeQuantizer : public Quantizer {
public:
  RangeQuantizer(std::string tensor, const int &bits, Rounding rounding)
      : Quantizer(std::move(tensor)), bits(bits), rounding(rounding) {
    counts.bits = bits;
  }
  Status quantize(const nn::FloatTensor &x, const nn::StepContext &context,
                  IntTensor &q, double &statisticsSeconds) override;
  std::optional<QuantParams> quantParams() const override;
  void visitState(nn::StateVisitor &visitor) override;

private:
  CodeRange codes() const {
    return hasNegative ? symmetricCodes(bits) : unsignedCodes(bits);
  }
  /// Otherwise the range follows the maximum.
  bool isClipped() const { return bits < 8 && limit > 0; }
  void measureLimit(const nn::FloatTensor &x, const Magnitudes &magnitudes,
                    const nn::StepContext &context);

  const int &bits;
  Rounding rounding;
  bool hasNegative = false; ///< In any step of training.
  float limit = 0;          ///< Of least noise, for limitBits; 0 if unknown.
  int32_t limitBits = 0;
};

} // namespace lpgen::quant

#endif // LPGEN_TRAINING_QUANTIZERS_RANGEQUANTIZER_H
