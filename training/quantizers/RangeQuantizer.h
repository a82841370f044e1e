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
/// (MagnitudeHistogram) in the last measured tensor.
class RangeQuantizer : public Quantizer {
public:
  RangeQuantizer(std::string tensor, int bits, Rounding rounding)
      : Quantizer(std::move(tensor), bits), rounding(rounding), width(bits) {}
  Status quantize(const nn::FloatTensor &x, const nn::StepContext &context,
                  IntTensor &q) override;
  std::optional<QuantParams> quantParams() const override;
  void visitState(nn::StateVisitor &visitor) override;

  /// The width from the next call on. It is no state: whoever chooses widths
  /// hands them over again after a restore.
  void setBits(int bits) { width = bits; }

protected:
  /// Sees each tensor of training before it is rounded.
  virtual void measure(const nn::FloatTensor &x, const Magnitudes &magnitudes,
                       const nn::StepContext &context);
  /// The greatest magnitude that is not clipped; none if the range follows the
  /// maximum.
  virtual std::optional<float> clipLimit() const;

  int bits() const { return width; }
  CodeRange codes(int bits) const {
    return hasNegative ? symmetricCodes(bits) : unsignedCodes(bits);
  }
  void visitHasNegative(nn::StateVisitor &visitor) {
    visitor.visit(tensor() + ".hasNegative", hasNegative);
  }
  /// The width that the log and the state show becomes that of now.
  void takeBits() {
    counts.updates += counts.bits == width ? 0 : 1;
    counts.bits = width;
  }

  Rounding rounding;

private:
  int width;
  bool hasNegative = false; ///< In any step of training.
  float limit = 0;          ///< Of least noise, for limitBits; 0 if unknown.
  int32_t limitBits = 0;
};

} // namespace lpgen::quant

#endif // LPGEN_TRAINING_QUANTIZERS_RANGEQUANTIZER_H
