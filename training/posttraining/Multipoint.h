// A filter as a sum of several filters of few bits, each with a scale of its
// own (multipoint quantization, Liu et al. 2021, arXiv 2002.09049).
#ifndef LPGEN_TRAINING_POSTTRAINING_MULTIPOINT_H
#define LPGEN_TRAINING_POSTTRAINING_MULTIPOINT_H

#include "base/types/QuantParams.h"
#include <span>
#include <vector>

namespace lpgen::posttraining {

struct FilterPoint {
  std::vector<int32_t> codes;
  float scale = 1;
};

/// The point that takes the most out of `rest`, and takes it:
///   scale, q = argmin |rest - scale q|^2,  rest -= scale q
/// q is found by a search over steps, the scale then by least squares. The
/// squares of the rest never grow.
FilterPoint takePoint(std::span<float> rest, const QuantParams &grid);

} // namespace lpgen::posttraining

#endif // LPGEN_TRAINING_POSTTRAINING_MULTIPOINT_H
