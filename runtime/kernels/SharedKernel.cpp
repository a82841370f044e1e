// Kernels from shared objects, by dlopen.
#include "runtime/kernels/SharedKernel.h"
#include <dlfcn.h>
#include <utility>

namespace lpgen {

/// What dlopen or dlsym found wrong.
static std::string loaderMessage() {
  const char *text = dlerror();
  return text ? text : "the dynamic loader gives no reason";
}

Result<SharedKernel> SharedKernel::load(const std::string &path,
                                        const std::string &op) {
  // A name without a slash would be searched in the system's library folders.
  const std::string file =
      path.find('/') == std::string::npos ? "./" + path : path;
  void *library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    return Status::error("cannot load kernel library '" + path +
                         "': " + loaderMessage());
  }
  const std::string name = "lp_" + op + "_kernel";
  const void *symbol = dlsym(library, name.c_str());
  if (!symbol) {
    const std::string reason = loaderMessage();
    dlclose(library);
    return Status::error(
        "kernel library '" + path + "' has no kernel for operator '" + op +
        "' (" + reason + "): compile it with --emit shared from a file " +
        "that declares this operator");
  }
  return SharedKernel(library, static_cast<const lp_kernel *>(symbol));
}

SharedKernel::~SharedKernel() {
  if (library) {
    dlclose(library);
  }
}

SharedKernel::SharedKernel(SharedKernel &&other) noexcept
    : library(std::exchange(other.library, nullptr)),
      descriptor(std::exchange(other.descriptor, nullptr)) {}

SharedKernel &SharedKernel::operator=(SharedKernel &&other) noexcept {
  std::swap(library, other.library);
  std::swap(descriptor, other.descriptor);
  return *this;
}

} // namespace lpgen
