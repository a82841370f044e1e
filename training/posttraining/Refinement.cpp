// The search sees integers; weights go back to the network as what they stand
// for, and the kernels must find the same integers there.
#include "training/posttraining/Refinement.h"
#include "training/data/Batches.h"
#include "training/loop/RunFolder.h"
#include <algorithm>

namespace lpgen::posttraining {

namespace {

class Refinement {
public:
  Refinement(train::StoredRun &run, const RefinementOptions &options)
      : run(run), options(options) {}

  Status start() {
    // Weights have no codes before they were used.
    LPGEN_RETURN_IF_ERROR(run.trainer().evaluate().status());
    Result<std::vector<IntegerLinear>> layers =
        integerLayersOf(run.trainer().network());
    LPGEN_RETURN_IF_ERROR(layers.status());
    for (size_t l = 0; l < layers->size(); ++l) {
      if ((*layers)[l].hasTwoBits()) {
        searched.push_back(l);
      }
    }
    if (searched.empty()) {
      return Status::error("no layer has weights of two bits; remedy: train "
                           "under 'lsq<bits=2>'");
    }
    data::Batch batch;
    data::readTrainingImages(run.data(), 0, options.images, &run.threads(),
                             batch);
    search.emplace(std::move(*layers), batch.images.values(), batch.labels);
    return Status::success();
  }
  Result<RefinementStep> makeTernary() {
    RefinementStep step;
    for (const size_t layer : searched) {
      step.clipped += search->makeTernary(layer);
    }
    return finish(step);
  }
  Result<RefinementStep> sweep(int64_t number) {
    RefinementStep step;
    const nn::RandomKey key =
        nn::RandomKey(options.seed).of("sweep").of(uint64_t(number));
    for (const size_t layer : searched) {
      const CoordinateSearch::Sweep done =
          search->sweep(layer, key.of(uint64_t(layer)));
      step.sweep.tried += done.tried;
      step.sweep.changed += done.changed;
    }
    return finish(step);
  }

private:
  Result<RefinementStep> finish(RefinementStep step) {
    step.loss = search->loss();
    store();
    std::vector<int64_t> classes;
    const Result<train::Totals> test = run.trainer().evaluate(&classes);
    LPGEN_RETURN_IF_ERROR(test.status());
    step.test = *test;
    LPGEN_RETURN_IF_ERROR(compare(classes));
    return step;
  }
  /// Hands the weights back to the network.
  void store() {
    for (const size_t l : searched) {
      const IntegerLinear &layer = search->layers()[l];
      const auto &all = run.trainer().parameters();
      const auto weight =
          std::ranges::find(all, layer.name + ".weight", &nn::Parameter::name);
      assert(weight != all.end() && "layers name their weights so");
      for (size_t i = 0; i < layer.weights.size(); ++i) {
        (*weight)->value[int64_t(i)] =
            float(layer.weights[i]) * layer.weightScale;
      }
    }
  }
  /// Integers and classes of the kernels beside those of the search.
  Status compare(const std::vector<int64_t> &classes) {
    const Result<std::vector<IntegerLinear>> layers =
        integerLayersOf(run.trainer().network());
    LPGEN_RETURN_IF_ERROR(layers.status());
    for (const size_t l : searched) {
      if ((*layers)[l].weights != search->layers()[l].weights) {
        return Status::error("layer '" + (*layers)[l].name +
                             "' rounds the weights that were found to others");
      }
    }
    data::Batch batch;
    data::readTestBatch(run.data(), 0, run.data().test.count, &run.threads(),
                        batch);
    const CoordinateSearch test(*layers, batch.images.values(), batch.labels);
    if (test.classes() != classes) {
      return Status::error("kernels and search give test images other classes");
    }
    return Status::success();
  }

  train::StoredRun &run;
  const RefinementOptions &options;
  std::optional<CoordinateSearch> search;
  std::vector<size_t> searched; ///< Layers.
};

} // namespace

Status refine(const RefinementOptions &options,
              const std::function<void(const RefinementStep &)> &show) {
  const Result<std::unique_ptr<train::StoredRun>> run =
      train::StoredRun::open(options.run);
  LPGEN_RETURN_IF_ERROR(run.status());
  if (options.images > (*run)->data().train.count) {
    return Status::error("there are only " +
                         std::to_string((*run)->data().train.count) +
                         " training images");
  }
  Result<train::RunFolder> folder = train::RunFolder::open(options.out);
  LPGEN_RETURN_IF_ERROR(folder.status());
  LPGEN_RETURN_IF_ERROR(folder->lock());
  if (folder->hasCheckpoint()) {
    return Status::error("'" + options.out +
                         "' holds a run already; remedy: another --output");
  }
  Refinement refinement(**run, options);
  LPGEN_RETURN_IF_ERROR(refinement.start());
  Result<RefinementStep> step = refinement.makeTernary();
  for (int64_t number = 0; step.ok(); ++number) {
    show(*step);
    if (number == options.sweeps) {
      return folder->save((*run)->trainer());
    }
    step = refinement.sweep(number);
  }
  return step.status();
}

} // namespace lpgen::posttraining
