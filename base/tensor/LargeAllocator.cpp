// Asking for large pages is advice: without them everything works as well.
#include "base/tensor/LargeAllocator.h"
#ifdef __linux__
#include <sys/mman.h>
#endif

namespace lpgen {

/// Of x86-64 and of AArch64 with pages of 4 KiB.
static constexpr size_t largePage = size_t{2} << 20;
static constexpr std::align_val_t smallAlignment{64};

static bool isLarge(size_t bytes) { return bytes >= largePage; }

void *allocateLarge(size_t bytes) {
  if (!isLarge(bytes)) {
    return ::operator new(bytes, smallAlignment);
  }
  void *memory = ::operator new(bytes, std::align_val_t{largePage});
#ifdef __linux__
  // Whole pages only: what follows them may belong to others.
  ::madvise(memory, bytes / largePage * largePage, MADV_HUGEPAGE);
#endif
  return memory;
}

void freeLarge(void *memory, size_t bytes) noexcept {
  if (isLarge(bytes)) {
    ::operator delete(memory, std::align_val_t{largePage});
  } else {
    ::operator delete(memory, smallAlignment);
  }
}

} // namespace lpgen
