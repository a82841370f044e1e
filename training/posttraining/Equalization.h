// Cross-layer equalization (Nagel et al. 2019, arXiv 1906.04721): channels
// between two layers get scales that even out the ranges of their weights.
//
// relu, pools and sums are the same of s x as s times that of x, s > 0: what
// the first layer divides by, the second can multiply with.
#ifndef LPGEN_TRAINING_POSTTRAINING_EQUALIZATION_H
#define LPGEN_TRAINING_POSTTRAINING_EQUALIZATION_H

#include <cstdint>
#include <span>

namespace lpgen::posttraining {

/// Weights of the first layer are [channels, ...], and so are its offsets;
/// those of the second [..., channels], the channel innermost. With r1, r2 the
/// greatest magnitudes that channel c has in each,
///   s = sqrt(r1 / r2),  w1 /= s,  offset /= s,  w2 *= s
/// so that both become sqrt(r1 r2). A channel that has no weights stays.
void equalize(int64_t channels, std::span<float> first,
              std::span<float> offsets, std::span<float> second);

} // namespace lpgen::posttraining

#endif // LPGEN_TRAINING_POSTTRAINING_EQUALIZATION_H
