// The file that a network is exported to; docs/reference/packed-network.md
// describes it.
#ifndef LPGEN_NETWORKS_PACKEDNETWORK_H
#define LPGEN_NETWORKS_PACKEDNETWORK_H

#include "networks/Network.h"

namespace lpgen::networks {

/// The content of the file. Weights are stored at their widths.
std::string packNetwork(const Network &network);

} // namespace lpgen::networks

#endif // LPGEN_NETWORKS_PACKEDNETWORK_H
