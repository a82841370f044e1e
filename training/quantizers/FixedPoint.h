// Fixed point <IL, FL> (Gupta et al. 2015, arXiv 1502.02551): one grid for all
// tensors of a network.
#ifndef LPGEN_TRAINING_QUANTIZERS_FIXEDPOINT_H
#define LPGEN_TRAINING_QUANTIZERS_FIXEDPOINT_H

#include "training/quantizers/Quantize.h"
#include "training/quantizers/Quantizer.h"

namespace lpgen::quant {

/// Numbers q * 2^-fl, |q| <= 2^(il + fl - 1) - 1. (The paper's range has one
/// number more, the least one; leaving it out keeps the range symmetric.)
struct FixedPointFormat {
  int il = 6;  ///< Integer bits, the sign among them.
  int fl = 10; ///< Fraction bits.
  Rounding rounding = Rounding::Stochastic;

  CodeRange codes() const { return symmetricCodes(il + fl); }
  float scale() const { return std::ldexp(1.0F, -fl); }
  QuantParams quantParams() const {
    return {codes().lowest, codes().highest, scale(),
            QuantParams::Form::Multiplied};
  }
};

/// Rounds every element to the grid, in place.
QuantizeCounts roundToGrid(const FixedPointFormat &format,
                           std::span<float> values, const nn::RandomKey &random,
                           const nn::StepContext &context);

/// A tensor on the grid. In Mode::Evaluate it rounds to nearest.
class FixedPointQuantizer : public Quantizer {
public:
  FixedPointQuantizer(std::string tensor, const FixedPointFormat &format)
      : Quantizer(std::move(tensor), format.il + format.fl), format(format) {}
  Status quantize(const nn::FloatTensor &x, const nn::StepContext &context,
                  IntTensor &q) override;
  void visitState(nn::StateVisitor &visitor) override { visitCounts(visitor); }
  std::optional<QuantParams> quantParams() const override {
    return format.quantParams();
  }
  /// The format from the next call on; whoever chooses it hands it over again
  /// after a restore.
  void setFormat(const FixedPointFormat &next) {
    counts.updates += next.il == format.il && next.fl == format.fl ? 0 : 1;
    counts.bits = next.il + next.fl;
    format = next;
  }

private:
  FixedPointFormat format;
};

} // namespace lpgen::quant

#endif // LPGEN_TRAINING_QUANTIZERS_FIXEDPOINT_H
