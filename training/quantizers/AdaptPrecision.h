// The fixed-point format <WL, FL> of one tensor of weights under AdaPT (Kummer
// et al. 2021, arXiv 2107.13490): pushed down to what keeps the distribution of
// the weights, and up again while gradients agree with each other little.
#ifndef LPGEN_TRAINING_QUANTIZERS_ADAPTPRECISION_H
#define LPGEN_TRAINING_QUANTIZERS_ADAPTPRECISION_H

#include "training/quantizers/FixedPoint.h"

namespace lpgen::quant {

struct AdaptOptions {
  int mostBits = 16;        ///< Of WL.
  int buffer = 4;           ///< Integer bits, the sign among them, at least.
  double divergence = 0.05; ///< That two histograms may have.
  int64_t leastLookback = 25;
  int64_t mostLookback = 100;
};

/// Which of two steps up is taken.
enum class AdaptStrategy { Least, Mean, Most };

class AdaptPrecision {
public:
  explicit AdaptPrecision(const AdaptOptions &options)
      : options(options), wanted(double(options.mostLookback)) {}

  int wordLength() const { return int(word); }
  int fractionLength() const { return int(fraction); }
  FixedPointFormat format() const {
    return {int(word - fraction), int(fraction), Rounding::Stochastic};
  }

  /// Adds a gradient, divided by its norm, to the window, and moves lookback
  /// and resolution. Nothing for a gradient of 0.
  void add(const nn::FloatTensor &gradient, const nn::StepContext &context);
  /// The window has as many gradients as it looks back.
  bool isDue() const { return count >= lookback(); }
  bool isEmpty() const { return count == 0; }
  /// Chooses the format for these weights and begins a window.
  void adapt(const nn::FloatTensor &weights, AdaptStrategy strategy,
             const nn::RandomKey &random, const nn::StepContext &context);

  /// count / |sum of the gradients / their norms|, 1 where all agree; 1 of an
  /// empty window, infinite where they cancel out.
  double diversity(const nn::StepContext &context) const;
  int64_t lookback() const { return int64_t(wanted); }
  int64_t resolution() const { return bins; }
  /// The least FL, then the least WL, with which the histograms of the weights
  /// and of the rounded weights diverge by `divergence` at most.
  void pushDown(const nn::FloatTensor &weights, const nn::RandomKey &random,
                const nn::StepContext &context);
  void pushUp(double diversity, AdaptStrategy strategy);

  void visitState(const std::string &tensor, int64_t size,
                  nn::StateVisitor &visitor);

private:
  AdaptOptions options;
  int64_t word = 8;
  int64_t fraction = 4;
  double wanted; ///< Lookback, whole.
  int64_t bins = 100;
  int64_t count = 0;
  nn::FloatTensor sum;
};

/// Sum of p ln(p / q) over the bins from the least to the greatest weight, p of
/// the weights, q of what they are rounded to; each bin has one element more
/// than it counts, so that none is empty.
double divergence(const nn::FloatTensor &weights,
                  const FixedPointFormat &format, int64_t bins,
                  const nn::RandomKey &random, const nn::StepContext &context);

} // namespace lpgen::quant

#endif // LPGEN_TRAINING_QUANTIZERS_ADAPTPRECISION_H
