// From a trained network to its stages: where training ends and networks, which
// know no trainer, begin.
#ifndef LPGEN_TRAINING_EXPORT_TRAINEDNETWORK_H
#define LPGEN_TRAINING_EXPORT_TRAINEDNETWORK_H

#include "networks/ExportFolder.h"
#include "networks/NetworkSink.h"
#include "training/loop/StoredRun.h"

namespace lpgen::train {

/// Gives the layers of the run's network to `sink`; errors as below.
Status describeTrained(StoredRun &run, networks::NetworkSink &sink);

networks::ImageFormat imageFormat(const data::Dataset &data);

/// The stages of the run's network, which has evaluated since its weights last
/// changed. An error names the layer that cannot be exported, and why.
Result<networks::Network> trainedNetwork(StoredRun &run);

/// The test images of its data.
networks::TestImages testImages(const data::Dataset &data);

} // namespace lpgen::train

#endif // LPGEN_TRAINING_EXPORT_TRAINEDNETWORK_H
