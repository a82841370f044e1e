// What workers that train together send each other: gradients as bytes.
#ifndef LPGEN_TRAINING_DISTRIBUTED_GRADIENTCODEC_H
#define LPGEN_TRAINING_DISTRIBUTED_GRADIENTCODEC_H

#include "training/layers/Layer.h"
#include <memory>
#include <string>
#include <vector>

namespace lpgen::train {

/// Turns the gradients of one worker into bytes, and those of any worker back.
/// Parameters are the same, in the same order, at all workers.
class GradientCodec {
public:
  virtual ~GradientCodec() = default;
  /// Appends the gradient of parameter number `index`, in this worker's own
  /// byte order. What the bytes leave out is kept for later calls.
  virtual void pack(size_t index, const nn::FloatTensor &gradient,
                    std::vector<std::byte> &bytes) = 0;
  /// Adds what the front of `bytes` says of the parameter to `sum` and takes it
  /// off. An error if that is no such gradient.
  virtual Status addUnpacked(size_t index, std::span<const std::byte> &bytes,
                             nn::FloatTensor &sum) const = 0;
  virtual void visitState(nn::StateVisitor &visitor) {}
};

/// "dense": the floats as they are; "adacomp": see AdaComp.h. An error for an
/// unknown name.
Result<std::unique_ptr<GradientCodec>>
makeGradientCodec(const std::string &name,
                  const std::vector<nn::Parameter *> &parameters);

} // namespace lpgen::train

#endif // LPGEN_TRAINING_DISTRIBUTED_GRADIENTCODEC_H
