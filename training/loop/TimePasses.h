// A batch shown to a spiking network for several time steps.
#ifndef LPGEN_TRAINING_LOOP_TIMEPASSES_H
#define LPGEN_TRAINING_LOOP_TIMEPASSES_H

#include "training/data/Batches.h"
#include "training/layers/Layer.h"
#include "training/layers/Loss.h"

namespace lpgen::train {

class TimePasses {
public:
  explicit TimePasses(const nn::TimePlan &plan) : plan(plan) {}
  /// False for networks without time, which are none of this class's business.
  bool isNeeded() const { return plan.count > 1; }

  /// `mean` becomes that over steps of scores[images, classes], in one pass.
  Status findScores(nn::Layer &network, const nn::FloatTensor &images,
                    nn::FloatTensor &mean, nn::StepContext context);
  /// Gradients of the mean over steps of the loss of a step's scores, times
  /// `scale`, added up from pass to pass. `loss` is that mean; an image is
  /// right if its mean scores are.
  Status findGradients(nn::Layer &network,
                       const std::vector<nn::Parameter *> &parameters,
                       const data::Batch &batch, float scale,
                       nn::StepContext context, nn::LossValue &loss);

private:
  void repeat(const nn::FloatTensor &images, int64_t times,
              const nn::StepContext &context);
  void addScores(const nn::FloatTensor &of, nn::FloatTensor &mean) const;

  nn::TimePlan plan;
  // Reused from batch to batch.
  nn::FloatTensor repeated;
  nn::FloatTensor scores;
  nn::FloatTensor meanScores;
  nn::FloatTensor scoreGradient;
  nn::FloatTensor inputGradient;
  std::vector<nn::FloatTensor> sums; ///< Of gradients, by parameter.
};

} // namespace lpgen::train

#endif // LPGEN_TRAINING_LOOP_TIMEPASSES_H
