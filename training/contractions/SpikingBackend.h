// Products of spikes, by kernels of 1-bit activations, whose gradients are
// those of online training through time (OTTT, Xiao et al. 2022).
//
// Instead of the spikes of a time step the gradient of the weights takes their
// trace a, which remembers those before as membranes do:
//   a[t] = leak a[t-1] + s[t],  dW[t] = g[t] a[t]
// so that nothing of earlier steps is kept.
#ifndef LPGEN_TRAINING_CONTRACTIONS_SPIKINGBACKEND_H
#define LPGEN_TRAINING_CONTRACTIONS_SPIKINGBACKEND_H

#include "training/contractions/IntegerBackend.h"

namespace lpgen::quant {

class SpikingBackend : public IntegerBackend {
public:
  /// Without a quantizer of dL/dy. Of one time step in a pass.
  using IntegerBackend::IntegerBackend;

protected:
  const nn::FloatTensor *
  inputOfGradient(const nn::FloatTensor *values,
                  const nn::StepContext &context) override;

private:
  nn::FloatTensor trace;
};

} // namespace lpgen::quant

#endif // LPGEN_TRAINING_CONTRACTIONS_SPIKINGBACKEND_H
