// Arrays that the build makes of the files.
#include "networks/EmbeddedFiles.h"
#include <array>

namespace lpgen::networks {

static constexpr unsigned char networkHeader[] = {
#include "lp_network.h.inc"
};
static constexpr unsigned char networkSource[] = {
#include "lp_network.c.inc"
};
static constexpr unsigned char classifySource[] = {
#include "classify.c.inc"
};
static constexpr unsigned char makefile[] = {
#include "Makefile.inc"
};
static constexpr unsigned char kernelHeader[] = {
#include "lp_kernel.h.inc"
};
static constexpr unsigned char featureList[] = {
#include "lp_cpu_features.def.inc"
};
static constexpr unsigned char featureHeader[] = {
#include "CpuFeatures.h.inc"
};
static constexpr unsigned char featureSource[] = {
#include "CpuFeatures.c.inc"
};

template <size_t Size>
static std::string_view viewOf(const unsigned char (&bytes)[Size]) {
  return {reinterpret_cast<const char *>(bytes), Size};
}

std::span<const EmbeddedFile> embeddedFiles() {
  static const std::array<EmbeddedFile, 8> files = {{
      {"lp_network.h", viewOf(networkHeader)},
      {"lp_network.c", viewOf(networkSource)},
      {"classify.c", viewOf(classifySource)},
      {"Makefile", viewOf(makefile)},
      {"base/abi/lp_kernel.h", viewOf(kernelHeader)},
      {"base/abi/lp_cpu_features.def", viewOf(featureList)},
      {"base/abi/CpuFeatures.h", viewOf(featureHeader)},
      {"base/abi/CpuFeatures.c", viewOf(featureSource)},
  }};
  return files;
}

} // namespace lpgen::networks
