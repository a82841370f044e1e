// The steps of a resumed run, without training.
#include "training/loop/StoredRun.h"
#include "training/loop/RunFolder.h"
#include <cstdlib>
#include <filesystem>

namespace lpgen::train {

namespace {

/// The first of several workers, alone: its checkpoint has the weights that all
/// share, and its statistics of batch norm are those that the trainer evaluates
/// with.
class FirstWorker : public ProcessGroup {
public:
  explicit FirstWorker(int count) : size(count) {}
  int rank() const override { return 0; }
  int count() const override { return size; }
  Result<std::vector<std::vector<std::byte>>>
  exchange(const std::vector<std::byte> &own) override {
    return Status::error("a stored run of several workers does not train; "
                         "remedy: lpgen train --resume by mpirun");
  }
  [[noreturn]] void abort(int exitStatus) override { std::exit(exitStatus); }

private:
  int size;
};

} // namespace

Status StoredRun::makeTrainer(const StoredRunOptions &options,
                              const Config &config,
                              const nn::BuildModel &build) {
  std::unique_ptr<Policy> policy;
  if (options.makePolicy) {
    Result<std::unique_ptr<Policy>> made = options.makePolicy(config, kernels);
    LPGEN_RETURN_IF_ERROR(made.status());
    policy = std::move(*made);
  }
  Result<std::unique_ptr<Trainer>> trainer = Trainer::create(
      config, images, &pool, &kernels, first.get(), std::move(policy), build);
  LPGEN_RETURN_IF_ERROR(trainer.status());
  restored = std::move(*trainer);
  return Status::success();
}

Result<std::unique_ptr<StoredRun>>
StoredRun::of(const ForeignNetwork &network, const StoredRunOptions &options) {
  std::unique_ptr<StoredRun> run(new StoredRun(options));
  LPGEN_RETURN_IF_ERROR(run->pool.status());
  Result<data::Dataset> data = data::loadDataset(options.data);
  LPGEN_RETURN_IF_ERROR(data.status());
  run->images = std::move(*data);
  LPGEN_RETURN_IF_ERROR(network.takeImages(run->images));
  Config config;
  config.model = network.name;
  config.data = options.data;
  config.batchSize = std::min(config.batchSize, run->images.train.count);
  LPGEN_RETURN_IF_ERROR(run->makeTrainer(options, config, network.build));
  return run;
}

Result<std::unique_ptr<StoredRun>>
StoredRun::open(const StoredRunOptions &options) {
  std::error_code ignored;
  if (!std::filesystem::is_directory(options.folder, ignored)) {
    return Status::error("there is no folder '" + options.folder +
                         "'; expected one that 'lpgen train --out' wrote");
  }
  Result<RunFolder> folder = RunFolder::open(options.folder);
  LPGEN_RETURN_IF_ERROR(folder.status());
  Result<Config> config = folder->readConfig();
  LPGEN_RETURN_IF_ERROR(config.status());
  if (!options.adversary.empty()) {
    config->adversary = options.adversary;
    LPGEN_RETURN_IF_ERROR(checkConfig(*config));
  }
  std::unique_ptr<StoredRun> run(new StoredRun(options));
  LPGEN_RETURN_IF_ERROR(run->pool.status());
  Result<data::Dataset> data =
      data::loadDataset(options.data.empty() ? config->data : options.data);
  LPGEN_RETURN_IF_ERROR(data.status());
  run->images = std::move(*data);
  // Pixels are normalized by all training images, but the policy's intervals
  // follow from the number of steps.
  LPGEN_RETURN_IF_ERROR(data::limitTraining(run->images, config->trainImages));
  LPGEN_RETURN_IF_ERROR(takeShare(*config, /*rank=*/0, run->images));
  LPGEN_RETURN_IF_ERROR(folder->checkData(run->images));
  if (config->workers > 1) {
    run->first = std::make_unique<FirstWorker>(int(config->workers));
  }
  LPGEN_RETURN_IF_ERROR(run->makeTrainer(options, *config, nn::buildModel));
  LPGEN_RETURN_IF_ERROR(folder->restore(*run->restored));
  return run;
}

} // namespace lpgen::train
