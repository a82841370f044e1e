// The steps of a resumed run, without training.
#include "runtime/train/StoredRun.h"
#include "runtime/train/RunFolder.h"
#include <filesystem>

namespace lpgen::train {

Result<std::unique_ptr<StoredRun>>
StoredRun::open(const StoredRunOptions &options) {
  std::error_code ignored;
  if (!std::filesystem::is_directory(options.folder, ignored)) {
    return Status::error("there is no folder '" + options.folder +
                         "'; expected one that 'lpgen train --out' wrote");
  }
  Result<RunFolder> folder = RunFolder::open(options.folder);
  LPGEN_RETURN_IF_ERROR(folder.status());
  const Result<Config> config = folder->readConfig();
  LPGEN_RETURN_IF_ERROR(config.status());
  std::unique_ptr<StoredRun> run(new StoredRun(options));
  Result<data::Dataset> data =
      data::loadDataset(options.data.empty() ? config->data : options.data);
  LPGEN_RETURN_IF_ERROR(data.status());
  run->images = std::move(*data);
  // Pixels are normalized by all training images, but the policy's intervals
  // follow from the number of steps.
  LPGEN_RETURN_IF_ERROR(data::limitTraining(run->images, config->trainImages));
  Result<std::unique_ptr<Trainer>> trainer =
      Trainer::create(*config, run->images, &run->pool, &run->kernels);
  LPGEN_RETURN_IF_ERROR(trainer.status());
  run->restored = std::move(*trainer);
  LPGEN_RETURN_IF_ERROR(folder->restore(*run->restored));
  return run;
}

} // namespace lpgen::train
