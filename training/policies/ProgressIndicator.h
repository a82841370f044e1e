// When has training stopped to make progress? The indicator of FracTrain (Fu et
// al. 2020, arXiv 2012.13113).
#ifndef LPGEN_TRAINING_POLICIES_PROGRESSINDICATOR_H
#define LPGEN_TRAINING_POLICIES_PROGRESSINDICATOR_H

#include "training/layers/Layer.h"
#include <array>

namespace lpgen::train {

/// With the last five losses, l_4 the latest, and `norm` the mean of
/// the first ten (of those so far until there are ten): stalled if
/// |l_i - l_4| / norm <= threshold for i = 0 .. 3. Then the five are forgotten
/// and the threshold is multiplied by `decay`, the first two times.
class ProgressIndicator {
public:
  ProgressIndicator(double threshold, double decay)
      : threshold(threshold), decay(decay) {}

  /// Adds the mean loss of an epoch, or of as many steps.
  bool hasStalled(double loss);
  /// Goes on as after a stall.
  void turn();
  void visitState(nn::StateVisitor &visitor);

private:
  static constexpr int64_t window = 5;
  static constexpr int64_t normLosses = 10;

  double threshold;
  double decay;
  int64_t turningPoints = 0;
  int64_t losses = 0; ///< In normSum.
  double normSum = 0;
  int64_t recentCount = 0;
  std::array<double, window> recent = {}; ///< Oldest first.
};

} // namespace lpgen::train

#endif // LPGEN_TRAINING_POLICIES_PROGRESSINDICATOR_H
