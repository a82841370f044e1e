// Optimizers and learning-rate schedules, float32.
#ifndef LPGEN_TRAINING_LOOP_OPTIMIZER_H
#define LPGEN_TRAINING_LOOP_OPTIMIZER_H

#include "training/layers/Layer.h"
#include <memory>
#include <string>
#include <vector>

namespace lpgen::train {

struct OptimizerSpec {
  std::string name = "sgd";  ///< "sgd" (with momentum), "adam", "madam".
  double momentum = 0.9;     ///< sgd only.
  double weightDecay = 1e-4; ///< Not madam.
};

class Optimizer {
public:
  virtual ~Optimizer() = default;
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
enum class Schedule { Constant, Step, Cosine };
Result<Schedule> parseSchedule(const std::string &name);
double learningRateAt(Schedule schedule, double base, int64_t step,
                      int64_t steps);

} // namespace lpgen::train

#endif // LPGEN_TRAINING_LOOP_OPTIMIZER_H
