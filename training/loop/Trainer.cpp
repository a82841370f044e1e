// The order of one step stands in Policy.h; here it is carried out.
#include "training/loop/Trainer.h"
#include "training/data/Shares.h"
#include "training/layers/BatchNorm.h"
#include "training/loop/Pruning.h"
#include "training/loop/RunPolicy.h"
#include <cmath>
#include <sstream>

namespace lpgen::train {

Trainer::Trainer(const Config &config, const data::Dataset &data,
                 ThreadPool *pool)
    : settings(config), data(data), pool(pool), seed(config.seed),
      trainBatches(data, config.imagesPerStep(),
                   config.augmentation == "crop-flip"
                       ? data::Augmentation::CropAndFlip
                       : data::Augmentation::None,
                   seed.of("data")) {}

Result<std::unique_ptr<Trainer>>
Trainer::create(const Config &config, const data::Dataset &data,
                ThreadPool *pool, KernelProvider *kernels,
                ProcessGroup *workers, std::unique_ptr<Policy> own,
                const nn::BuildModel &build) {
  LPGEN_RETURN_IF_ERROR(checkConfig(config));
  assert(config.workers == (workers ? workers->count() : 1) &&
         "the config says how many workers there are");
  std::unique_ptr<Trainer> trainer(new Trainer(config, data, pool));
  const int64_t wanted = config.imagesPerStep() * trainer->sharing();
  if (wanted > data.train.count) {
    return Status::error(
        "a batch of " + std::to_string(wanted) + " images is more than the " +
        std::to_string(data.train.count) + " training images of '" + data.name +
        "'; remedy: a smaller --batch");
  }
  const Result<Schedule> schedule = parseSchedule(config.schedule);
  LPGEN_RETURN_IF_ERROR(schedule.status());
  trainer->schedule = *schedule;
  if (own) {
    trainer->policy = std::move(own);
  } else {
    Result<std::unique_ptr<Policy>> policy =
        makeRunPolicy(config, {kernels, trainer->stepsPerEpoch(),
                               trainer->totalSteps(), config.imagesPerStep()});
    LPGEN_RETURN_IF_ERROR(policy.status());
    trainer->policy = std::move(*policy);
  }
  const Result<std::optional<AdversarySpec>> moves =
      readAdversary(config.adversary);
  LPGEN_RETURN_IF_ERROR(moves.status());
  if (moves->has_value()) {
    trainer->adversary.emplace(**moves, data);
  }
  trainer->timePasses = TimePasses(trainer->policy->timePlan());
  Result<std::unique_ptr<nn::Layer>> model = build(
      trainer->modelSpec(),
      [&](const nn::LayerSpec &layer) {
        const int products = layer.place == nn::LayerPlace::First ? 2 : 3;
        trainer->macsPerImage += double(products * layer.geometry.macs());
        return trainer->policy->makeBackend(layer);
      },
      trainer->seed.of("weights"));
  LPGEN_RETURN_IF_ERROR(model.status());
  trainer->model = std::move(*model);
  LPGEN_RETURN_IF_ERROR(checkNetwork(config, *trainer->model));
  trainer->model->visitParameters([&](nn::Parameter &parameter) {
    trainer->updated.push_back(&parameter);
  });
  trainer->model->visitLayers([&](nn::Layer &layer) {
    if (const nn::ContractionBackend *backend = layer.backend()) {
      trainer->layers.push_back({layer.name(), backend});
    }
  });
  if (workers) {
    LPGEN_RETURN_IF_ERROR(trainer->joinWorkers(*workers));
  }
  trainer->showWeightsToPolicy();
  Result<std::unique_ptr<Optimizer>> optimizer =
      makeOptimizer({config.optimizer, config.momentum, config.weightDecay},
                    trainer->updated);
  LPGEN_RETURN_IF_ERROR(optimizer.status());
  trainer->optimizer = std::move(*optimizer);
  return trainer;
}

namespace {
/// The floats of the statistics of batch norm.
class Statistics : public nn::StateVisitor {
public:
  void visitBytes(const std::string &name,
                  std::span<std::byte> bytes) override {
    pieces.push_back({name,
                      {reinterpret_cast<float *>(bytes.data()),
                       bytes.size() / sizeof(float)}});
  }
  std::vector<FederatedRounds::Piece> pieces;
};
} // namespace

Status Trainer::joinWorkers(ProcessGroup &group) {
  workers = &group;
  const Result<std::optional<FederatedSpec>> spec =
      readFederated(settings.federated);
  LPGEN_RETURN_IF_ERROR(spec.status());
  if (!spec->has_value()) {
    Result<std::unique_ptr<GradientExchange>> made =
        GradientExchange::create(settings.gradients, group, updated);
    LPGEN_RETURN_IF_ERROR(made.status());
    exchange = std::move(*made);
    return Status::success();
  }
  if ((*spec)->rounds > stepsPerEpoch()) {
    return Status::error(
        "federated training: " + std::to_string((*spec)->rounds) +
        " rounds in an epoch of " + std::to_string(stepsPerEpoch()) +
        " steps; remedy: fewer rounds or a smaller --batch");
  }
  Statistics shared;
  visitNorms(shared);
  for (nn::Parameter *parameter : updated) {
    shared.pieces.push_back({parameter->name, parameter->value.values(),
                             parameter->value.shape().size() == 4});
  }
  rounds = std::make_unique<FederatedRounds>(**spec, group,
                                             std::move(shared.pieces));
  return Status::success();
}

nn::StepContext Trainer::stepContext(nn::Mode mode) const {
  return {mode, steps, seed.of("rounding").of(uint64_t(steps)), pool};
}

nn::ModelSpec Trainer::modelSpec() const {
  return {settings.model,
          data.height,
          data.width,
          data.channels,
          data.classes,
          policy->activation(),
          *readWidths(settings.widths),
          adversary.has_value()};
}

double Trainer::learningRate() const {
  return learningRateAt(schedule, settings.learningRate, steps, totalSteps());
}

Status Trainer::divergence(double loss) const {
  std::ostringstream text;
  text << "the loss became " << loss << " at step " << steps << " (epoch "
       << epoch() + 1
       << "): the run diverged; remedy: a smaller learning rate (now "
       << learningRate() << ") or a wider policy than '" << settings.policy
       << "'";
  return Status::error(text.str());
}

void Trainer::unscaleGradients(float scale, const nn::StepContext &context) {
  if (scale == 1.0F) {
    return;
  }
  for (nn::Parameter *parameter : updated) {
    for (float &gradient : parameter->gradient.values()) {
      gradient /= scale;
    }
  }
}

Result<nn::LossValue> Trainer::findGradients(int64_t number, float scale,
                                             const nn::StepContext &context) {
  const int64_t index = sharing() == 1 ? number : number * sharing() + rank();
  if (context.centering && context.centering->hasInput()) {
    trainBatches.readLabels(epoch(), index, images);
    batchNumber = -1;
  } else if (batchEpoch != epoch() || batchNumber != index) {
    trainBatches.read(epoch(), index, pool, images);
    batchEpoch = epoch();
    batchNumber = index;
  }
  if (adversary) {
    batchNumber = -1;
    LPGEN_RETURN_IF_ERROR(adversary->move(*model, images, context));
  }
  if (timePasses.isNeeded()) {
    nn::LossValue loss;
    LPGEN_RETURN_IF_ERROR(timePasses.findGradients(*model, updated, images,
                                                   scale, context, loss));
    return std::isfinite(loss.sum) ? Result<nn::LossValue>(loss)
                                   : divergence(loss.sum / double(loss.images));
  }
  LPGEN_RETURN_IF_ERROR(model->forward(images.images, scores, context));
  const nn::LossValue loss =
      softmaxCrossEntropy(scores, images.labels, scale, &scoreGradient);
  if (!std::isfinite(loss.sum)) {
    return divergence(loss.sum / double(loss.images));
  }
  LPGEN_RETURN_IF_ERROR(model->backward(scoreGradient, inputGradient, context));
  return loss;
}

Status Trainer::find(int64_t number, const nn::Centering &centering) {
  nn::StepContext context = stepContext(nn::Mode::Train);
  context.centering = &centering;
  context.isBeside = true;
  return findGradients(number, 1.0F, context).status();
}

Status Trainer::runStep() {
  assert(!isDone() && "no steps left");
  for (Observer *observer : observers) {
    observer->beforeStep(layers);
  }
  const auto start = std::chrono::steady_clock::now();
  if (isAtEpochEnd()) {
    running = Totals();
  }
  const nn::StepContext shared = stepContext(nn::Mode::Train);
  nn::StepContext now = shared;
  if (workers) { // They round their gradients independently.
    now.random = now.random.of(uint64_t(rank()));
  }
  if (rounds) {
    rounds->begin();
  }
  LPGEN_RETURN_IF_ERROR(optimizer->prepare(updated, *this, now));
  now.centering = optimizer->passOfStep();
  const float scale = policy->lossScale();
  Result<nn::LossValue> found = findGradients(batch(), scale, now);
  LPGEN_RETURN_IF_ERROR(found.status());
  nn::LossValue &loss = *found;
  unscaleGradients(scale, now);
  if (exchange) {
    LPGEN_RETURN_IF_ERROR(exchange->average(loss));
  }
  if (policy->acceptGradients(updated)) {
    optimizer->update(updated, learningRate(), shared);
    policy->afterUpdate(updated, shared);
  }
  if (rounds && rounds->endsWith(steps, stepsPerEpoch())) {
    LPGEN_RETURN_IF_ERROR(rounds->finish(shared.random.of("federated")));
    policy->afterUpdate(updated, shared);
  }
  policy->afterStep(loss.sum / double(loss.images), shared);
  ++steps;
  running.add(loss);
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start)
          .count();
  running.seconds += seconds;
  for (Observer *observer : observers) {
    LPGEN_RETURN_IF_ERROR(
        observer->afterStep(layers, {updates(), loss, seconds}));
  }
  return Status::success();
}

Result<Totals> Trainer::evaluateAll(std::vector<int64_t> *classes,
                                    bool areMoved) {
  const auto start = std::chrono::steady_clock::now();
  Totals totals;
  const nn::StepContext now = stepContext(nn::Mode::Evaluate);
  batchNumber = -1;
  for (int64_t begin = 0; begin < data.test.count;
       begin += settings.imagesPerStep()) {
    data::readTestBatch(
        data, begin,
        std::min(begin + settings.imagesPerStep(), data.test.count), pool,
        images);
    if (areMoved) {
      LPGEN_RETURN_IF_ERROR(adversary->move(*model, images, now));
    }
    LPGEN_RETURN_IF_ERROR(
        timePasses.isNeeded()
            ? timePasses.findScores(*model, images.images, scores, now)
            : model->forward(images.images, scores, now));
    totals.add(softmaxCrossEntropy(scores, images.labels, 1.0F, nullptr));
    for (int64_t i = 0; classes && i < scores.extent(0); ++i) {
      classes->push_back(nn::greatestClass(scores, i));
    }
  }
  totals.seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start)
          .count();
  return totals;
}

void Trainer::visitState(nn::StateVisitor &visitor) {
  visitor.visit("step", steps);
  visitor.visit("epoch.loss", running.loss);
  visitor.visit("epoch.correct", running.correct);
  visitor.visit("epoch.images", running.images);
  visitor.visit("epoch.seconds", running.seconds);
  if (settings.pruning != "none") {
    visitor.visit("earlier.macs", earlier.macs);
    visitor.visit("earlier.bitProducts", earlier.bops);
  }
  for (nn::Parameter *parameter : updated) {
    visitor.visit(parameter->name, parameter->value);
  }
  model->visitState(visitor);
  optimizer->visitState(visitor);
  policy->visitState(visitor);
  if (exchange) {
    exchange->visitState(visitor);
  }
  if (rounds) {
    rounds->visitState(visitor);
  }
}

void Trainer::visitNetwork(nn::StateVisitor &visitor) {
  for (nn::Parameter *parameter : updated) {
    visitor.visit(parameter->name, parameter->value);
  }
  visitNorms(visitor);
}

void Trainer::visitNorms(nn::StateVisitor &visitor) {
  model->visitLayers([&](nn::Layer &layer) {
    if (auto *norm = dynamic_cast<nn::BatchNorm *>(&layer)) {
      norm->visitState(visitor);
    }
  });
}

nn::ContractionWork Trainer::work() const {
  nn::ContractionWork all = earlier;
  model->visitLayers([&](nn::Layer &layer) {
    if (const nn::ContractionBackend *backend = layer.backend()) {
      const nn::ContractionWork work = backend->report().work;
      all.macs += work.macs;
      all.bops += work.bops;
    }
  });
  return all;
}

FederatedCost Trainer::federatedCost() const {
  assert(rounds && "of federated training");
  const nn::ContractionWork integers = work();
  FederatedCost cost;
  cost.rounds = epoch() * rounds->settings().rounds;
  cost.sentBytes = rounds->sentBytes();
  cost.macs =
      macsPerImage * double(settings.imagesPerStep()) * double(updates());
  cost.bops = integers.bops + (cost.macs - integers.macs) * 32 * 32;
  return cost;
}

Status takeShare(const Config &config, int rank, data::Dataset &data) {
  const Result<std::optional<FederatedSpec>> spec =
      readFederated(config.federated);
  LPGEN_RETURN_IF_ERROR(spec.status());
  return spec->has_value()
             ? data::keepShare(data, rank, config.workers, (*spec)->shards,
                               nn::RandomKey(config.seed).of("shares"))
             : Status::success();
}

} // namespace lpgen::train
