// A filter as codes with a scale, and as a sum of several such points
// (multipoint quantization, Liu et al. 2021, arXiv 2002.09049): each point is
// of what those before it have left.
#ifndef LPGEN_TRAINING_POSTTRAINING_MULTIPOINT_H
#define LPGEN_TRAINING_POSTTRAINING_MULTIPOINT_H

#include "training/posttraining/LearnedRounding.h"
#include "training/posttraining/WeightScale.h"

namespace lpgen::posttraining {

struct FilterPoint {
  std::vector<int32_t> codes;
  float scale = 1;
};

/// Takes a point out of `rest`: rest -= scale q. The codes are nearest to the
/// step that `range` says, or, with `rounding`, what it makes of them at that
/// step and at smaller ones; unless the range is Max, the scale is then the
/// best for the codes.
FilterPoint takePoint(std::span<float> rest, const QuantParams &grid,
                      WeightRange range, const LearnedRounding *rounding);

} // namespace lpgen::posttraining

#endif // LPGEN_TRAINING_POSTTRAINING_MULTIPOINT_H
