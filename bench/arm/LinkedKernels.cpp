// Takes the place of runtime/kernels/SharedKernel.cpp in a static program: the
// kernels are linked in, and their descriptors stand in section lp_kernels.
#include "runtime/kernels/SharedKernel.h"
#include <utility>

extern "C" {
extern const lp_kernel *const __start_lp_kernels[];
extern const lp_kernel *const __stop_lp_kernels[];
}

namespace lpgen {

Result<SharedKernel> SharedKernel::load(const std::string & /*path*/,
                                        const std::string &op) {
  for (const lp_kernel *const *it = __start_lp_kernels; it != __stop_lp_kernels;
       ++it) {
    if (op == (*it)->op) {
      return SharedKernel(nullptr, *it);
    }
  }
  return Status::error("no kernel for operator '" + op +
                       "' is linked into this program");
}

SharedKernel::~SharedKernel() = default;
SharedKernel::SharedKernel(SharedKernel &&other) noexcept
    : descriptor(std::exchange(other.descriptor, nullptr)) {}
SharedKernel &SharedKernel::operator=(SharedKernel &&other) noexcept {
  std::swap(descriptor, other.descriptor);
  return *this;
}

} // namespace lpgen
