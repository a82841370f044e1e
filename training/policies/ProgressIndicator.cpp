// A window of losses.
#include "training/policies/ProgressIndicator.h"
#include <algorithm>
#include <cmath>

namespace lpgen::train {

bool ProgressIndicator::hasStalled(double loss) {
  if (losses < normLosses) {
    normSum += loss;
    ++losses;
  }
  if (recentCount == window) {
    std::shift_left(recent.begin(), recent.end(), 1);
    --recentCount;
  }
  recent[size_t(recentCount++)] = loss;
  if (recentCount < window) {
    return false;
  }
  const double norm = normSum / double(losses);
  for (const double earlier : recent) {
    if (std::abs(earlier - loss) > threshold * norm) {
      return false;
    }
  }
  turn();
  return true;
}

void ProgressIndicator::turn() {
  recentCount = 0;
  if (++turningPoints <= 2) {
    threshold *= decay;
  }
}

void ProgressIndicator::visitState(nn::StateVisitor &visitor) {
  visitor.visit("progress.threshold", threshold);
  visitor.visit("progress.turningPoints", turningPoints);
  visitor.visit("progress.losses", losses);
  visitor.visit("progress.normSum", normSum);
  visitor.visitFrom<int64_t>("progress.recentCount", recentCount, 0,
                             int64_t(recent.size()));
  for (size_t i = 0; i < recent.size(); ++i) {
    visitor.visit("progress.recent" + std::to_string(i), recent[i]);
  }
}

} // namespace lpgen::train
