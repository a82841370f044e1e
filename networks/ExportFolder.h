// A folder that holds all of a trained network: its operators and weights, the
// kernel that they become, and a program in C that runs it.
#ifndef LPGEN_NETWORKS_EXPORTFOLDER_H
#define LPGEN_NETWORKS_EXPORTFOLDER_H

#include "networks/Network.h"
#include "runtime/kernels/KernelProvider.h"
#include <span>

namespace lpgen::networks {

/// Images that go with a network, so that its program has something to do.
struct TestImages {
  int64_t count = 0;
  std::span<const uint8_t> pixels; ///< [count, height, width, channels]
  std::span<const uint8_t> labels; ///< [count]
};

struct ExportOptions {
  std::string folder;
  std::string title;           ///< A line that says what the network is.
  std::string target = "host"; ///< As in `lpgen compile --target`.
  CompilerOptions compiler;
};

/// Writes net.lp, net.safetensors and the images, then has the compiler write
/// the program beside them.
Status exportNetwork(const Network &network, const TestImages &test,
                     const ExportOptions &options);

} // namespace lpgen::networks

#endif // LPGEN_NETWORKS_EXPORTFOLDER_H
