// The embedded runner objects; the build makes the .inc files.
#include "workbench/run/RunnerObject.h"
#include "llvm/TargetParser/Triple.h"

namespace lpgen {

static constexpr unsigned char runnerX8664[] = {
#include "runner-x86_64.inc"
};
static constexpr unsigned char runnerAArch64[] = {
#include "runner-aarch64.inc"
};

template <size_t Size>
static llvm::StringRef asBytes(const unsigned char (&bytes)[Size]) {
  return {reinterpret_cast<const char *>(bytes), Size};
}

Result<llvm::StringRef> runnerObject(llvm::StringRef triple) {
  switch (llvm::Triple(triple).getArch()) {
  case llvm::Triple::x86_64:
    return asBytes(runnerX8664);
  case llvm::Triple::aarch64:
    return asBytes(runnerAArch64);
  default:
    return Status::error("kernels for '" + triple.str() +
                         "' cannot be run: there is a kernel runner for "
                         "x86-64 and AArch64 only");
  }
}

} // namespace lpgen
