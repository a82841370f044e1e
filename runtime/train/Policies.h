// The policies: one function for each, which makes it from its text.
#ifndef LPGEN_RUNTIME_TRAIN_POLICIES_H
#define LPGEN_RUNTIME_TRAIN_POLICIES_H

#include "runtime/train/Policy.h"
#include "runtime/train/PolicyText.h"

namespace lpgen::train {

/// IEEE single precision by OpenBLAS; the baseline.
Result<std::unique_ptr<Policy>> makeFloat32Policy(PolicyText &text,
                                                  const PolicyContext &context);

/// Adaptive precision: 8-bit activations and weights, 8- or 16-bit gradients.
Result<std::unique_ptr<Policy>> makeAptPolicy(PolicyText &text,
                                              const PolicyContext &context);

} // namespace lpgen::train

#endif // LPGEN_RUNTIME_TRAIN_POLICIES_H
