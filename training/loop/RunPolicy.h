// The policy of a run: that of the config, unless the optimizer has products of
// its own.
#ifndef LPGEN_TRAINING_LOOP_RUNPOLICY_H
#define LPGEN_TRAINING_LOOP_RUNPOLICY_H

#include "training/layers/Layer.h"
#include "training/loop/Config.h"
#include "training/policies/Policy.h"

namespace lpgen::train {

/// An error for an optimizer that does not go with the policy or with several
/// workers.
Result<std::unique_ptr<Policy>> makeRunPolicy(const Config &config,
                                              const PolicyContext &context);

/// An error if the optimizer does not go with the network.
Status checkNetwork(const Config &config, nn::Layer &network);

} // namespace lpgen::train

#endif // LPGEN_TRAINING_LOOP_RUNPOLICY_H
