// A folder that holds all of a trained network: weights, kernels as objects,
// and a program in C that runs them.
#ifndef LPGEN_NETWORKS_EXPORTFOLDER_H
#define LPGEN_NETWORKS_EXPORTFOLDER_H

#include "networks/Network.h"
#include "runtime/kernels/KernelProvider.h"

namespace lpgen::inference {

struct ExportOptions {
  std::string folder;
  std::string target = "host"; ///< As in `lpgen compile --target`.
  CompilerOptions compiler;
};

/// Writes the folder; what a failure leaves in it has no network.lpn. The
/// test images go with it, so that the program has something to do.
Status exportNetwork(const Network &network, const data::Dataset &data,
                     const ExportOptions &options);

} // namespace lpgen::inference

#endif // LPGEN_NETWORKS_EXPORTFOLDER_H
