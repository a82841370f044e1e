// A kernel from a shared object: `lpgen compile --emit shared` writes the file,
// this loads it and finds the descriptor.
#ifndef LPGEN_RUNTIME_KERNELS_SHAREDKERNEL_H
#define LPGEN_RUNTIME_KERNELS_SHAREDKERNEL_H

#include "base/abi/lp_kernel.h"
#include "base/system/Status.h"
#include <string>

namespace lpgen {

/// Keeps the shared object loaded as long as it lives; the descriptor dies with
/// it.
class SharedKernel {
public:
  /// Loads the file and finds `lp_<op>_kernel`. The descriptor's version is
  /// checked by KernelRunner.
  static Result<SharedKernel> load(const std::string &path,
                                   const std::string &op);
  ~SharedKernel();
  SharedKernel(SharedKernel &&other) noexcept;
  SharedKernel &operator=(SharedKernel &&other) noexcept;

  const lp_kernel &kernel() const { return *descriptor; }

private:
  SharedKernel(void *library, const lp_kernel *descriptor)
      : library(library), descriptor(descriptor) {}

  void *library = nullptr;
  const lp_kernel *descriptor = nullptr;
};

} // namespace lpgen

#endif // LPGEN_RUNTIME_KERNELS_SHAREDKERNEL_H
