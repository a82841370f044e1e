// The gradients of all workers become their mean, at every worker the same.
#ifndef LPGEN_TRAINING_DISTRIBUTED_GRADIENTEXCHANGE_H
#define LPGEN_TRAINING_DISTRIBUTED_GRADIENTEXCHANGE_H

#include "training/distributed/GradientCodec.h"
#include "training/distributed/ProcessGroup.h"
#include "training/layers/Loss.h"
#include <functional>

namespace lpgen::train {

class GradientExchange {
public:
  /// Both workers and parameters must outlive this.
  static Result<std::unique_ptr<GradientExchange>>
  create(const std::string &codec, ProcessGroup &workers,
         const std::vector<nn::Parameter *> &parameters);

  /// Replaces the gradients by the mean over the workers of what their codecs
  /// send, added in the order of ranks, and the loss by its sum.
  Status average(nn::LossValue &loss);

  ProcessGroup &peers() const { return workers; }
  /// Bytes of one parameter's gradients since the start.
  struct Traffic {
    int64_t sent = 0;  ///< By this worker.
    int64_t dense = 0; ///< What floats would have taken.
  };
  Traffic traffic() const; ///< Of all parameters.
  /// `visit(parameter, traffic)` for each.
  void visitTraffic(const std::function<void(const nn::Parameter &,
                                             const Traffic &)> &visit) const;
  void visitState(nn::StateVisitor &visitor);

private:
  GradientExchange(ProcessGroup &workers,
                   const std::vector<nn::Parameter *> &parameters,
                   std::unique_ptr<GradientCodec> codec)
      : workers(workers), parameters(parameters), codec(std::move(codec)),
        bytesOf(parameters.size()) {}

  ProcessGroup &workers;
  std::vector<nn::Parameter *> parameters;
  std::unique_ptr<GradientCodec> codec;
  std::vector<Traffic> bytesOf; ///< By parameter.
  std::vector<std::byte> bytes;
};

} // namespace lpgen::train

#endif // LPGEN_TRAINING_DISTRIBUTED_GRADIENTEXCHANGE_H
