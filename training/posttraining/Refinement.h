// A trained network of linear layers whose weights of two bits become ternary
// and are searched for, as a run of its own.
#ifndef LPGEN_TRAINING_POSTTRAINING_REFINEMENT_H
#define LPGEN_TRAINING_POSTTRAINING_REFINEMENT_H

#include "training/loop/StoredRun.h"
#include "training/posttraining/CoordinateSearch.h"
#include <functional>

namespace lpgen::posttraining {

struct RefinementOptions {
  train::StoredRunOptions run;
  std::string out; ///< Folder of the new run.
  int64_t sweeps = 2;
  int64_t images = 1000; ///< The first training images.
  uint64_t seed = 1;
};

/// A sweep over all layers, or, the first, what the search starts from.
struct RefinementStep {
  int64_t clipped = 0; ///< Weights that were made ternary.
  CoordinateSearch::Sweep sweep;
  double loss = 0;    ///< Of the training images.
  train::Totals test; ///< By the kernels.
};

/// Calls `show` after each step. An error if the network has no such layers,
/// or if its kernels and the search do not give every test image the same
/// class.
Status refine(const RefinementOptions &options,
              const std::function<void(const RefinementStep &)> &show);

} // namespace lpgen::posttraining

#endif // LPGEN_TRAINING_POSTTRAINING_REFINEMENT_H
