// Leaky integrate-and-fire neurons: what a spiking network has between layers.
//
// Of each element, over the time steps t of the same images:
//   u[t] = leak (u[t-1] - threshold s[t-1]) + x[t],  s[t] = u[t] >= threshold
// from u = 0 on. Backward takes the slope of a sigmoid for that of the step,
//   h(u) = slope sigma(v) (1 - sigma(v)),  v = slope (u - threshold)
// and no gradient through the reset (Xiao et al. 2022, arXiv 2210.04195).
// Online the gradient of u[t] is that of s[t] times h(u[t]); through time leak
// times that of u[t+1] is added to it.
#ifndef LPGEN_TRAINING_LAYERS_LEAKYSPIKES_H
#define LPGEN_TRAINING_LAYERS_LEAKYSPIKES_H

#include "training/core/TimeSteps.h"
#include "training/layers/Layer.h"

namespace lpgen::nn {

class LeakySpikes : public Layer {
public:
  enum class Gradient { Online, ThroughTime };
  static constexpr float threshold = 1;
  static constexpr float slope = 4;

  LeakySpikes(std::string name, Gradient gradient)
      : Layer(std::move(name)), gradient(gradient) {}

  Status forward(const FloatTensor &x, FloatTensor &y,
                 const StepContext &context) override;
  Status backward(const FloatTensor &dy, FloatTensor &dx,
                  const StepContext &context) override;

private:
  Gradient gradient;
  FloatTensor potentials; ///< u of the last forward call.
  FloatTensor left;       ///< u - threshold s after the last time step of it.
};

} // namespace lpgen::nn

#endif // LPGEN_TRAINING_LAYERS_LEAKYSPIKES_H
