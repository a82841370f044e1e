// Optimizers and learning-rate schedules, float32.
#ifndef LPGEN_TRAINING_LOOP_OPTIMIZER_H
#define LPGEN_TRAINING_LOOP_OPTIMIZER_H

#include "training/core/Centering.h"
#include "training/layers/Layer.h"
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace lpgen::train {

struct OptimizerSpec {
  /// "sgd" (with momentum), "adam", "madam", or what readSvrg knows.
  std::string name = "sgd";
  double momentum = 0.9;     ///< sgd only.
  double weightDecay = 1e-4; ///< Not madam.
};

/// The gradients that an optimizer may ask for beside those of a step.
class GradientSource {
public:
  virtual ~GradientSource() = default;
  virtual int64_t batches() const = 0; ///< Of the epoch.
  virtual int64_t batch() const = 0;   ///< That of the step.
  /// Finds the gradients of a batch of the epoch at the present values.
  virtual Status find(int64_t batch, const nn::Centering &centering) = 0;
};

class Optimizer {
public:
  virtual ~Optimizer() = default;
  /// Before the gradients of a step are found.
  virtual Status prepare(const std::vector<nn::Parameter *> &parameters,
                         GradientSource &source,
                         const nn::StepContext &context) {
    return Status::success();
  }
  /// What layers are told in the step; null for nothing.
  virtual const nn::Centering *passOfStep() const { return nullptr; }
  /// Of the mean gradient of the epoch's batches at its beginning, if known.
  virtual std::optional<double> gradientNorm() const { return std::nullopt; }
  /// Updates the values from the unscaled gradients. The parameters are the
  /// same, in the same order, in every call.
  virtual void update(const std::vector<nn::Parameter *> &parameters,
                      double learningRate, const nn::StepContext &context) = 0;
  virtual void visitState(nn::StateVisitor &visitor) = 0;
};

/// State for `parameters`, all 0. An error for an unknown name.
Result<std::unique_ptr<Optimizer>>
makeOptimizer(const OptimizerSpec &spec,
              const std::vector<nn::Parameter *> &parameters);

/// The learning rate of step `step` of `steps`:
///   constant  base
///   step      base, a tenth of it from half of the steps, a hundredth from
///             three quarters
///   cosine    base (1 + cos(pi step / steps)) / 2
///   slow-start  from base / 20 to base in the first 60 %, in a line, then down
///             to base / 100 by equal factors (after Jeddi et al. 2020)
enum class Schedule { Constant, Step, Cosine, SlowStart };
Result<Schedule> parseSchedule(const std::string &name);
double learningRateAt(Schedule schedule, double base, int64_t step,
                      int64_t steps);

} // namespace lpgen::train

#endif // LPGEN_TRAINING_LOOP_OPTIMIZER_H
