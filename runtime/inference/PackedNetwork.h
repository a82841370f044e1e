// The file that a network is exported to; docs/packed-network.md describes it.
#ifndef LPGEN_RUNTIME_INFERENCE_PACKEDNETWORK_H
#define LPGEN_RUNTIME_INFERENCE_PACKEDNETWORK_H

#include "runtime/inference/Network.h"

namespace lpgen::inference {

/// The content of the file. Weights are stored at their widths.
std::string packNetwork(const Network &network);

} // namespace lpgen::inference

#endif // LPGEN_RUNTIME_INFERENCE_PACKEDNETWORK_H
