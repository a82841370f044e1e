// Loss change allocation (Lan et al. 2019, arXiv 1909.01440): which tensors
// have lowered the training loss in a step, and which have raised it.
//
// The loss is that of the float32 network with the weights that the policy
// stores, on the first training images, in batches of the run's size with
// batch statistics: so it depends on the weights alone.
#ifndef LPGEN_TRAINING_RECORD_LOSSALLOCATION_H
#define LPGEN_TRAINING_RECORD_LOSSALLOCATION_H

#include "training/data/Dataset.h"
#include "training/models/Models.h"
#include "training/record/Observer.h"
#include <nlohmann/json.hpp>

namespace lpgen::train {

struct LossAllocationOptions {
  int64_t every = 0;     ///< Steps from one that is allocated to the next.
  int64_t images = 1000; ///< Of the training images the first so many.
  int64_t batchSize = 128;
  double tolerance = 1e-3; ///< Of the sum of what is allocated.
  int mostSegments = 32;
};

/// A function of parameters and its gradient, which goes to theirs.
using DifferentiableLoss = std::function<Result<double>()>;

/// What of a change belongs to one tensor.
struct TensorShare {
  double change = 0;
  int64_t helped = 0; ///< Elements with a share below 0,
  int64_t hurt = 0;   ///< above 0.
};

/// A change of the loss along the straight line between two settings of the
/// parameters, allocated:
///   share_k = (end_k - start_k) integral over the line of dL/dtheta_k
/// by Simpson's rule of 1, 2, 4, ... segments, until the shares add up to the
/// change within the tolerance or there are mostSegments.
struct AllocatedChange {
  double before = 0;
  double after = 0;
  int segments = 0;
  std::vector<TensorShare> tensors; ///< By parameter.

  /// The sum of the shares, less the change.
  double error() const;
};
Result<AllocatedChange>
allocateChange(const std::vector<nn::Parameter *> &parameters,
               const std::vector<nn::FloatTensor> &start,
               const std::vector<nn::FloatTensor> &end,
               const DifferentiableLoss &loss,
               const LossAllocationOptions &options);

class LossAllocation : public Observer {
public:
  /// Of a network whose parameters are `updated` and have seen `step` updates.
  /// An error for networks of signs, whose loss has no gradient, and for fewer
  /// images than a batch.
  static Result<std::unique_ptr<LossAllocation>>
  create(const nn::ModelSpec &model, const data::Dataset &data,
         const std::vector<nn::Parameter *> &updated, int64_t step,
         ThreadPool *pool, const LossAllocationOptions &options);

  void beforeStep(const std::vector<ObservedLayer> &layers) override;
  Status afterStep(const std::vector<ObservedLayer> &layers,
                   const StepView &view) override;

  /// What was allocated since the last clear.
  nlohmann::json record() const;
  /// Goes on from such a record; an error if it is none of this network.
  Status restore(const nlohmann::json &from);
  void clear() { steps = nlohmann::json::array(); }

private:
  LossAllocation(const data::Dataset &data, int64_t step, ThreadPool *pool,
                 const LossAllocationOptions &options)
      : data(data), pool(pool), options(options), done(step) {}
  Result<double> lossAndGradient();

  const data::Dataset &data;
  ThreadPool *pool;
  LossAllocationOptions options;
  std::unique_ptr<nn::Layer> network;   ///< The float32 one.
  std::vector<nn::Parameter *> own;     ///< Its parameters.
  std::vector<nn::Parameter *> updated; ///< Those of the run, in that order.
  std::vector<nn::FloatTensor> start;
  int64_t done; ///< Updates.
  nlohmann::json steps = nlohmann::json::array();
};

} // namespace lpgen::train

#endif // LPGEN_TRAINING_RECORD_LOSSALLOCATION_H
