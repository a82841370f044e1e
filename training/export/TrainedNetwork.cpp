// Layers describe themselves; the rest is the images.
#include "training/export/TrainedNetwork.h"
#include "networks/NetworkBuilder.h"
#include "training/policies/Policies.h"

namespace lpgen::train {

networks::ImageFormat imageFormat(const data::Dataset &data) {
  networks::ImageFormat format = {data.height,   data.width, data.channels,
                                  data.classes,  {},         data.mean,
                                  data.deviation};
  for (int64_t c = 0; c < data.channels; ++c) {
    for (int pixel = 0; pixel < 256; ++pixel) {
      format.ofPixel.push_back(data.normalized(uint8_t(pixel), c));
    }
  }
  return format;
}

Status describeTrained(StoredRun &run, networks::NetworkSink &sink) {
  Trainer &trainer = run.trainer();
  const Status status = trainer.network().describe(sink);
  return status.ok() || hasTrait(trainer.config().policy, Exports)
             ? status
             : Status::error(status.message() + "; remedy: train under " +
                             policiesWith(Exports));
}

Result<networks::Network> trainedNetwork(StoredRun &run) {
  networks::NetworkBuilder builder(imageFormat(run.data()),
                                   run.trainer().config().batchSize);
  LPGEN_RETURN_IF_ERROR(describeTrained(run, builder));
  return builder.finish();
}

networks::TestImages testImages(const data::Dataset &data) {
  return {data.test.count, data.test.pixels, data.test.labels};
}

} // namespace lpgen::train
