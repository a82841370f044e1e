// One block of a tensor, with a width of its own: a range quantizer that also
// measures how sensitive the loss is to its rounding at every width.
#ifndef LPGEN_TRAINING_QUANTIZERS_BLOCKQUANTIZER_H
#define LPGEN_TRAINING_QUANTIZERS_BLOCKQUANTIZER_H

#include "training/quantizers/BitWidthMap.h"
#include "training/quantizers/RangeQuantizer.h"

namespace lpgen::quant {

/// Once measured, a block is clipped where the last measurement found least
/// noise, at any width.
class BlockQuantizer : public RangeQuantizer {
public:
  /// Measures every `period` steps.
  BlockQuantizer(std::string tensor, int bits, Rounding rounding,
                 int64_t period)
      : RangeQuantizer(std::move(tensor), bits, rounding), period(period) {}

  void visitState(nn::StateVisitor &visitor) override;
  /// setBits, and the log and the state show the new width at once.
  void changeBits(int bits) {
    setBits(bits);
    takeBits();
  }
  bool hasStatistics() const { return isMeasured; }
  /// Takes the mean square of the block's gradient, or of what stands for it,
  /// into the average.
  void addGradientSquare(double meanSquare) {
    average(gradientSquare, meanSquare);
  }
  /// What the block holds, weighted by what the loss makes of a change.
  double weightedPower() const { return power * gradientSquare; }
  /// The sensitivity is relative to the weighted power of `whole`.
  WidthBlock describe(double whole) const;

protected:
  void measure(const nn::FloatTensor &x, const Magnitudes &magnitudes,
               const nn::StepContext &context) override;
  std::optional<float> clipLimit() const override {
    return isMeasured ? std::optional(limits[widthIndex(bits())])
                      : std::nullopt;
  }

private:
  static void average(double &mean, double value);

  int64_t period;
  double power = 0;          ///< Sum of squares, average over steps.
  double gradientSquare = 0; ///< Mean square, average too.
  /// By width: greatest magnitude that is not clipped, of the last measured
  /// tensor, and noise of rounding over power, average over steps.
  std::array<float, blockWidths.size()> limits = {};
  std::array<double, blockWidths.size()> noise = {};
  bool isMeasured = false;
};

} // namespace lpgen::quant

#endif // LPGEN_TRAINING_QUANTIZERS_BLOCKQUANTIZER_H
