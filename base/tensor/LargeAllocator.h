// Memory of large tensors, in large pages where the system gives them: loops
// over tens of megabytes otherwise spend their time on translating addresses,
// twice over in a virtual machine.
#ifndef LPGEN_BASE_TENSOR_LARGEALLOCATOR_H
#define LPGEN_BASE_TENSOR_LARGEALLOCATOR_H

#include <cstddef>
#include <limits>
#include <new>

namespace lpgen {

/// `bytes` bytes aligned for any vector; throws std::bad_alloc.
void *allocateLarge(size_t bytes);
/// What allocateLarge(bytes) returned.
void freeLarge(void *memory, size_t bytes) noexcept;

/// For containers of the standard library.
template <typename T>
struct LargeAllocator {
  using value_type = T; // NOLINT(readability-identifier-naming)

  LargeAllocator() = default;
  template <typename Other>
  LargeAllocator(const LargeAllocator<Other> &) {}

  T *allocate(size_t count) {
    if (count > std::numeric_limits<size_t>::max() / sizeof(T)) {
      throw std::bad_array_new_length();
    }
    return static_cast<T *>(allocateLarge(count * sizeof(T)));
  }
  void deallocate(T *memory, size_t count) noexcept {
    freeLarge(memory, count * sizeof(T));
  }
  template <typename Other>
  bool operator==(const LargeAllocator<Other> &) const {
    return true;
  }
};

} // namespace lpgen

#endif // LPGEN_BASE_TENSOR_LARGEALLOCATOR_H
