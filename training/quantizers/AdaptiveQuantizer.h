// Adaptive precision (Zhang et al. 2019, arXiv 1911.00361): width and scale of
// one tensor, chosen again at intervals that its statistics give.
#ifndef LPGEN_TRAINING_QUANTIZERS_ADAPTIVEQUANTIZER_H
#define LPGEN_TRAINING_QUANTIZERS_ADAPTIVEQUANTIZER_H

#include "training/quantizers/Quantize.h"
#include "training/quantizers/Quantizer.h"

namespace lpgen::quant {

struct AdaptiveOptions {
  enum class Mode {
    Grow,   ///< Mode 1: the width never shrinks.
    Restart ///< Mode 2: every update starts from 8 bits again.
  };
  Mode mode = Mode::Grow;
  Rounding rounding = Rounding::Nearest; ///< In training.
  int minBits = 8;
  int maxBits = 16;
  double threshold = 0.03; ///< T_Diff
  double alpha = 0.04;     ///< Weight of the new exponent in its average.
  double beta = 0.1;
  double gamma = 2;
  double delta = 100;
  int64_t initialSteps = 0;   ///< Steps in which every step is an update.
  int64_t maxInterval = 1;    ///< Steps; those of an epoch.
  double maxSaturated = 1e-3; ///< A greater share forces an update.
};

/// Quantization error measurement: log2(|sum|x| - sum|xhat|| / sum|x| + 1), 0
/// if sum|x| is 0.
double quantizationError(double sum, double quantizedSum);

/// The exponent s of the scale 2^s: ceil(log2(max / (2^(bits-1) - 1))).
int scaleExponent(float max, int bits);

/// Steps until the next update:
///   round(beta / max(delta error^2, averageChange) - gamma),
/// at least 1, at most maxInterval.
int64_t updateInterval(const AdaptiveOptions &options, double error,
                       double averageChange);

/// In an update: the least width of minBits, minBits + 8, ... up to maxBits
/// whose error is within the threshold, at the scale of the present maximum.
/// In between width and scale stay, and what exceeds the range saturates.
class AdaptiveQuantizer : public Quantizer {
public:
  AdaptiveQuantizer(std::string tensor, const AdaptiveOptions &options)
      : Quantizer(std::move(tensor), options.minBits), options(options) {}
  Status quantize(const nn::FloatTensor &x, const nn::StepContext &context,
                  IntTensor &q) override;
  void visitState(nn::StateVisitor &visitor) override;
  /// None before the first step of training.
  std::optional<QuantParams> quantParams() const override;
  int64_t nextUpdate() const { return next; }

private:
  Status update(const nn::FloatTensor &x, const nn::StepContext &context,
                IntTensor &q);
  void apply(const nn::FloatTensor &x, const nn::StepContext &context,
             IntTensor &q);

  AdaptiveOptions options;
  int exponent = -12;
  double averageExponent = 0;
  int64_t next = 0; ///< Step of the next update.
  int64_t quantizedSum = 0;
  bool hasInvalid = false;
};

} // namespace lpgen::quant

#endif // LPGEN_TRAINING_QUANTIZERS_ADAPTIVEQUANTIZER_H
