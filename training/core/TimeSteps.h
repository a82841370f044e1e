// Time in spiking networks: the same images are shown for several steps, and
// layers remember what the steps before have left.
#ifndef LPGEN_TRAINING_CORE_TIMESTEPS_H
#define LPGEN_TRAINING_CORE_TIMESTEPS_H

#include <cstdint>

namespace lpgen::nn {

/// Of one pass: a batch has all images of step `first`, then all of the next,
/// `count` of them.
struct TimeSteps {
  int64_t first = 0;
  int64_t count = 1;
  /// What is left of a potential, or of a trace, after a step: 1 - 1/tau with
  /// tau = 2 (Xiao et al. 2022).
  static constexpr float leak = 0.5;
};

/// How a network is shown a batch in training: `count` steps, so many in a
/// pass.
struct TimePlan {
  int64_t count = 1;
  int64_t inPass = 1;
};

} // namespace lpgen::nn

#endif // LPGEN_TRAINING_CORE_TIMESTEPS_H
