// The policies: one function for each, which makes it from its text.
#ifndef LPGEN_TRAINING_POLICIES_POLICIES_H
#define LPGEN_TRAINING_POLICIES_POLICIES_H

#include "training/policies/Policy.h"
#include "training/policies/PolicyText.h"

namespace lpgen::train {

/// IEEE single precision by OpenBLAS; the baseline.
Result<std::unique_ptr<Policy>> makeFloat32Policy(PolicyText &text,
                                                  const PolicyContext &context);

/// Adaptive precision: 8-bit activations and weights, 8- or 16-bit gradients.
Result<std::unique_ptr<Policy>> makeAptPolicy(PolicyText &text,
                                              const PolicyContext &context);

/// Fixed point with stochastic rounding, weights included.
Result<std::unique_ptr<Policy>> makeFixedPolicy(PolicyText &text,
                                                const PolicyContext &context);

/// fp16 storage with float32 weights and a dynamic loss scale.
Result<std::unique_ptr<Policy>> makeMixed16Policy(PolicyText &text,
                                                  const PolicyContext &context);

/// E5M2 storage with fp16 weights, rounded stochastically.
Result<std::unique_ptr<Policy>> makeFp8Policy(PolicyText &text,
                                              const PolicyContext &context);

/// Widths of all tensors that grow in stages; "static" stays at the last.
Result<std::unique_ptr<Policy>> makePfqPolicy(PolicyText &text,
                                              const PolicyContext &context);
Result<std::unique_ptr<Policy>> makeStaticPolicy(PolicyText &text,
                                                 const PolicyContext &context);

/// Few bits forward, gradients in float32.
Result<std::unique_ptr<Policy>> makeLsqPolicy(PolicyText &text,
                                              const PolicyContext &context);
Result<std::unique_ptr<Policy>> makeDorefaPolicy(PolicyText &text,
                                                 const PolicyContext &context);
Result<std::unique_ptr<Policy>> makePactPolicy(PolicyText &text,
                                               const PolicyContext &context);

/// Signs forward, gradients in float32.
Result<std::unique_ptr<Policy>> makeXnorPolicy(PolicyText &text,
                                               const PolicyContext &context);
Result<std::unique_ptr<Policy>> makeBinaryPolicy(PolicyText &text,
                                                 const PolicyContext &context);

/// Widths of blocks of channels under a budget of bit products.
Result<std::unique_ptr<Policy>> makeDynastyPolicy(PolicyText &text,
                                                  const PolicyContext &context);

/// Sums as narrow as planned, on a base that can narrow its sums.
Result<std::unique_ptr<Policy>>
extendByAccumulators(std::unique_ptr<Policy> base, PolicyText &text,
                     const PolicyContext &context);

/// A loss scale for each layer, on a base with a range of its gradients.
Result<std::unique_ptr<Policy>>
extendByAdaptiveLossScale(std::unique_ptr<Policy> base, PolicyText &text,
                          const PolicyContext &context);

} // namespace lpgen::train

#endif // LPGEN_TRAINING_POLICIES_POLICIES_H
