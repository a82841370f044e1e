// A training run: network, data, optimizer and policy, step by step.
#ifndef LPGEN_TRAINING_LOOP_TRAINER_H
#define LPGEN_TRAINING_LOOP_TRAINER_H

#include "training/data/Batches.h"
#include "training/distributed/FederatedRounds.h"
#include "training/distributed/GradientExchange.h"
#include "training/layers/Layer.h"
#include "training/layers/Loss.h"
#include "training/loop/Adversary.h"
#include "training/loop/Config.h"
#include "training/loop/TimePasses.h"
#include "training/models/Models.h"
#include "training/policies/Policy.h"
#include "training/record/Observer.h"
#include <memory>
#include <vector>

namespace lpgen::train {

/// Sums over the images of an epoch or of a test set.
struct Totals {
  double loss = 0;
  int64_t correct = 0;
  int64_t images = 0;
  double seconds = 0;

  void add(const nn::LossValue &value) {
    loss += value.sum;
    correct += value.correct;
    images += value.images;
  }
  double meanLoss() const { return images ? loss / double(images) : 0; }
  double accuracy() const {
    return images ? double(correct) / double(images) : 0;
  }
  double imagesPerSecond() const {
    return seconds > 0 ? double(images) / seconds : 0;
  }
};

class Trainer : private GradientSource {
public:
  /// With workers, who must outlive the trainer too, every one of them reads
  /// batches of its own and all have the same weights; in federated training
  /// the data is that of the worker alone, and weights are the same between
  /// rounds.
  /// The data must outlive the trainer; `kernels` may be null if the policy
  /// runs none. `own` takes the place of the policy that the config names,
  /// unless it is null, and `build` makes the network.
  static Result<std::unique_ptr<Trainer>>
  create(const Config &config, const data::Dataset &data, ThreadPool *pool,
         KernelProvider *kernels, ProcessGroup *workers = nullptr,
         std::unique_ptr<Policy> own = nullptr,
         const nn::BuildModel &build = nn::buildModel);

  const Config &config() const { return settings; }
  const data::Dataset &dataset() const { return data; }
  int64_t step() const { return steps; }
  int64_t stepsPerEpoch() const { return trainBatches.perEpoch() / sharing(); }
  int64_t totalSteps() const { return settings.epochs * stepsPerEpoch(); }
  int64_t epoch() const { return steps / stepsPerEpoch(); }
  bool isDone() const { return steps >= totalSteps(); }
  bool isAtEpochEnd() const { return steps % stepsPerEpoch() == 0; }
  double learningRate() const;
  /// Of the epoch that step() lies in or, at its end, has just done.
  const Totals &epochTotals() const { return running; }
  nn::Layer &network() { return *model; }
  /// What network() was built for.
  nn::ModelSpec modelSpec() const;
  /// Of a new trainer: epochs before `epoch` are done, at this cost.
  void continueAt(int64_t epoch, const nn::ContractionWork &work) {
    steps = epoch * stepsPerEpoch();
    earlier = work;
  }
  /// All steps so far, however large their batches were.
  int64_t updates() const { return steps + settings.stepsBefore; }
  /// Of Mode::Evaluate, as evaluate() has it.
  nn::StepContext evaluation() const { return stepContext(nn::Mode::Evaluate); }
  const std::vector<nn::Parameter *> &parameters() const { return updated; }

  /// One update. A loss that is no number is an error, and nothing is updated.
  Status runStep();
  /// Loss and accuracy on the test images; the class of each, in order, goes
  /// into `classes` if that is not null.
  Result<Totals> evaluate(std::vector<int64_t> *classes = nullptr) {
    return evaluateAll(classes, false);
  }
  bool hasAdversary() const { return adversary.has_value(); }
  /// The same of test images that the adversary has moved.
  Result<Totals> evaluateMoved() { return evaluateAll(nullptr, true); }

  /// Of the mean gradient at the beginning of the epoch, where the optimizer
  /// finds it.
  std::optional<double> gradientNorm() const {
    return optimizer->gradientNorm();
  }

  /// The other workers; null without them.
  ProcessGroup *peers() const { return workers; }
  /// The exchange of gradients with them; null if there is none.
  GradientExchange *gradientExchange() const { return exchange.get(); }
  /// The exchange of weights with them; null if there is none.
  const FederatedRounds *federatedRounds() const { return rounds.get(); }
  /// Of this worker since the start.
  FederatedCost federatedCost() const;
  /// Everything that later steps depend on.
  void visitState(nn::StateVisitor &visitor);
  /// Of that, the weights and the statistics of batch norm.
  void visitNetwork(nn::StateVisitor &visitor);
  /// The latter alone.
  void visitNorms(nn::StateVisitor &visitor);
  /// To be called before the first step where they were replaced.
  void showWeightsToPolicy() {
    policy->afterUpdate(updated, stepContext(nn::Mode::Train));
  }
  /// What the integer products of all steps so far have cost.
  nn::ContractionWork work() const;
  /// `observer` sees every step from now on and must outlive the trainer.
  void observe(Observer &observer) { observers.push_back(&observer); }

private:
  Trainer(const Config &config, const data::Dataset &data, ThreadPool *pool);
  nn::StepContext stepContext(nn::Mode mode) const;
  Result<Totals> evaluateAll(std::vector<int64_t> *classes, bool areMoved);
  Status joinWorkers(ProcessGroup &group);
  /// Workers that take turns in the batches of the data.
  int64_t sharing() const {
    return settings.federated == "none" ? settings.workers : 1;
  }
  int rank() const { return workers ? workers->rank() : 0; }
  int64_t batches() const override { return stepsPerEpoch(); }
  int64_t batch() const override { return steps % stepsPerEpoch(); }
  Status find(int64_t number, const nn::Centering &centering) override;
  /// Reads batch `number` of the epoch, unless it is that of last time, and
  /// takes the loss and all gradients, times `scale`.
  Result<nn::LossValue> findGradients(int64_t number, float scale,
                                      const nn::StepContext &context);
  void unscaleGradients(float scale, const nn::StepContext &context);
  Status divergence(double loss) const;

  Config settings;
  const data::Dataset &data;
  ThreadPool *pool;
  nn::RandomKey seed;
  data::TrainBatches trainBatches;
  Schedule schedule = Schedule::Constant;
  std::unique_ptr<Policy> policy;
  TimePasses timePasses{nn::TimePlan()};
  std::optional<Adversary> adversary;
  std::unique_ptr<nn::Layer> model;
  std::unique_ptr<Optimizer> optimizer;
  ProcessGroup *workers = nullptr;
  std::unique_ptr<GradientExchange> exchange;
  std::unique_ptr<FederatedRounds> rounds;
  double macsPerImage = 0; ///< Of the three products of all layers.
  std::vector<nn::Parameter *> updated;
  std::vector<ObservedLayer> layers;
  std::vector<Observer *> observers;
  int64_t steps = 0;
  nn::ContractionWork earlier; ///< Of the networks before pruning.
  Totals running;
  // Reused from step to step.
  data::Batch images;
  int64_t batchEpoch = -1;  ///< That `images` is of,
  int64_t batchNumber = -1; ///< and its number.
  nn::FloatTensor scores;
  nn::FloatTensor scoreGradient;
  nn::FloatTensor inputGradient;
};

/// In federated training keeps the images of worker `rank`; else all of them.
Status takeShare(const Config &config, int rank, data::Dataset &data);

} // namespace lpgen::train

#endif // LPGEN_TRAINING_LOOP_TRAINER_H
