// Asking for large pages is advice: without them everything works as well.
#include "base/tensor/AlignedBytes.h"
#include <cassert>
#include <cstring>
#include <new>
#include <string>
#ifdef __linux__
#include <sys/mman.h>
#endif

namespace lpgen {

/// Of x86-64 and of AArch64 with pages of 4 KiB.
static constexpr size_t largePage = size_t{2} << 20;

static std::align_val_t alignmentOf(size_t bytes, AlignedBytes::Pages pages) {
  const bool isLarge =
      pages == AlignedBytes::Pages::Large && bytes >= largePage;
  return std::align_val_t{isLarge ? largePage : AlignedBytes::alignment};
}

void AlignedBytes::Free::operator()(std::byte *memory) const noexcept {
  if (!isBorrowed) {
    ::operator delete[](memory, alignmentOf(bytes, pages));
  }
}

AlignedBytes::Storage AlignedBytes::allocate(size_t bytes, Pages pages) {
  const std::align_val_t aligned = alignmentOf(bytes, pages);
  auto *memory =
      static_cast<std::byte *>(::operator new[](bytes, aligned, std::nothrow));
#ifdef __linux__
  if (memory && aligned == std::align_val_t{largePage}) {
    // Whole pages only: what follows them may belong to others.
    ::madvise(memory, bytes / largePage * largePage, MADV_HUGEPAGE);
  }
#endif
  return Storage(memory, Free{bytes, pages, false});
}

Result<AlignedBytes> AlignedBytes::create(int64_t size) {
  if (size < 0) {
    return Status::error("cannot allocate " + std::to_string(size) + " bytes");
  }
  AlignedBytes bytes;
  if (size != 0) {
    bytes.storage = allocate(size_t(size), bytes.pages);
    if (!bytes.storage) {
      return Status::error("out of memory: cannot allocate " +
                           std::to_string(size) + " bytes");
    }
    bytes.count = size;
  }
  return bytes;
}

AlignedBytes AlignedBytes::borrow(void *memory, int64_t size) {
  assert(size >= 0 && "a negative size");
  AlignedBytes bytes;
  bytes.storage = Storage(static_cast<std::byte *>(memory),
                          Free{size_t(size), bytes.pages, true});
  bytes.count = size;
  return bytes;
}

void AlignedBytes::replace(size_t bytes) {
  storage = nullptr; // First: there may not be memory for both.
  count = 0;
  storage = allocate(bytes, pages);
  if (!storage) {
    throw std::bad_alloc();
  }
}

void AlignedBytes::resize(int64_t size) {
  assert(size >= 0 && "a negative size");
  if (size_t(size) > capacity()) {
    replace(size_t(size));
    std::memset(storage.get(), 0, size_t(size));
  }
  count = size;
}

AlignedBytes &AlignedBytes::operator=(const AlignedBytes &other) {
  if (this == &other) {
    return *this;
  }
  if (size_t(other.count) > capacity()) {
    replace(size_t(other.count));
  }
  count = other.count;
  if (count != 0) {
    std::memcpy(storage.get(), other.storage.get(), size_t(count));
  }
  return *this;
}

} // namespace lpgen
