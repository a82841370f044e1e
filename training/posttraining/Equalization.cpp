// One channel after the other.
#include "training/posttraining/Equalization.h"
#include <algorithm>
#include <cmath>

namespace lpgen::posttraining {

void equalize(int64_t channels, std::span<float> first,
              std::span<float> offsets, std::span<float> second) {
  const size_t row = first.size() / size_t(channels);
  for (size_t c = 0; c < size_t(channels); ++c) {
    float firstMax = 0;
    float secondMax = 0;
    for (const float w : first.subspan(c * row, row)) {
      firstMax = std::max(firstMax, std::fabs(w));
    }
    for (size_t i = c; i < second.size(); i += size_t(channels)) {
      secondMax = std::max(secondMax, std::fabs(second[i]));
    }
    const float scale = std::sqrt(firstMax / secondMax);
    if (!std::isnormal(scale)) {
      continue;
    }
    for (float &w : first.subspan(c * row, row)) {
      w /= scale;
    }
    offsets[c] /= scale;
    for (size_t i = c; i < second.size(); i += size_t(channels)) {
      second[i] *= scale;
    }
  }
}

} // namespace lpgen::posttraining
