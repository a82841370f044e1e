// Layers describe themselves; the rest is the images.
#include "training/export/TrainedNetwork.h"
#include "networks/NetworkBuilder.h"
#include "training/policies/Policies.h"

namespace lpgen::train {

static networks::ImageFormat formatOf(const data::Dataset &data) {
  networks::ImageFormat format = {
      data.height, data.width, data.channels, data.classes, {}};
  for (int64_t c = 0; c < data.channels; ++c) {
    for (int pixel = 0; pixel < 256; ++pixel) {
      format.ofPixel.push_back(data.normalized(uint8_t(pixel), c));
    }
  }
  return format;
}

Result<networks::Network> trainedNetwork(StoredRun &run) {
  Trainer &trainer = run.trainer();
  networks::NetworkBuilder builder(formatOf(run.data()),
                                   trainer.config().batchSize);
  const Status status = trainer.network().describe(builder);
  if (status.ok()) {
    return builder.finish();
  }
  return hasTrait(trainer.config().policy, Exports)
             ? status
             : Status::error(status.message() + "; remedy: train under " +
                             policiesWith(Exports));
}

networks::TestImages testImages(const data::Dataset &data) {
  return {data.test.count, data.test.pixels, data.test.labels};
}

} // namespace lpgen::train
