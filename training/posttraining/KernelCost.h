// What the kernels of a quantized network cost, expected and measured.
#ifndef LPGEN_TRAINING_POSTTRAINING_KERNELCOST_H
#define LPGEN_TRAINING_POSTTRAINING_KERNELCOST_H

#include "training/posttraining/PostTraining.h"

namespace lpgen::posttraining {

/// Cycles of an image, in calls of as many images as a batch of the run, on one
/// core: what `lpgen explain` says of the operators of the run's network as it
/// is now, for a target of `lpgen compile`.
Result<double> expectedCycles(train::StoredRun &run,
                              const CompilerOptions &compiler,
                              const std::string &target);

/// Microseconds of an image on this machine, in the same calls, on one thread:
/// the least that `lpgen bench` finds within a second.
Result<double> measuredMicroseconds(train::StoredRun &run,
                                    const CompilerOptions &compiler,
                                    const std::string &target);

/// Widths of the greatest number of bits, in quarters from 2 to 8, whose
/// kernels are expected to take no more cycles of an image; an error if 2 bits
/// take more. As PostTraining::widthsUnder otherwise.
Result<Widths> widthsUnderCycles(PostTraining &quantizer, double cycles,
                                 int ends, const CompilerOptions &compiler,
                                 const std::string &target);

} // namespace lpgen::posttraining

#endif // LPGEN_TRAINING_POSTTRAINING_KERNELCOST_H
