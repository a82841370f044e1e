// The one owner of tensor memory: aligned bytes that keep their memory when
// they are resized. Tensors and packed operands are views of it.
#ifndef LPGEN_BASE_TENSOR_ALIGNEDBYTES_H
#define LPGEN_BASE_TENSOR_ALIGNEDBYTES_H

#include "base/system/Status.h"
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

namespace lpgen {

class AlignedBytes {
public:
  /// Bytes; a cache line, and what any vector needs.
  static constexpr size_t alignment = 64;
  enum class Pages {
    Usual,
    /// From 2 MiB on large pages where the system gives them: loops over tens
    /// of megabytes otherwise spend their time on translating addresses, twice
    /// over in a virtual machine.
    Large
  };

  explicit AlignedBytes(Pages pages = Pages::Usual) : pages(pages) {}
  AlignedBytes(const AlignedBytes &other) : pages(other.pages) {
    *this = other;
  }
  /// Keeps the memory where it suffices; throws std::bad_alloc.
  AlignedBytes &operator=(const AlignedBytes &other);
  AlignedBytes(AlignedBytes &&other) noexcept
      : storage(std::move(other.storage)), count(std::exchange(other.count, 0)),
        pages(other.pages) {}
  AlignedBytes &operator=(AlignedBytes &&other) noexcept {
    storage = std::move(other.storage);
    count = std::exchange(other.count, 0);
    pages = other.pages;
    return *this;
  }
  ~AlignedBytes() = default;

  /// Uninitialized bytes. An error if there is no memory for `size` bytes or
  /// `size` is negative.
  static Result<AlignedBytes> create(int64_t size);
  /// Memory of someone else, which outlives this and has any alignment. A
  /// resize beyond it takes memory of its own.
  static AlignedBytes borrow(void *memory, int64_t size);
  /// Keeps the memory where it suffices, and what it holds; new memory is 0.
  /// Throws std::bad_alloc.
  void resize(int64_t size);

  /// Null before there is any memory.
  void *data() { return storage.get(); }
  const void *data() const { return storage.get(); }
  int64_t size() const { return count; }
  /// As elements of T.
  template <typename T>
  T *as() {
    return reinterpret_cast<T *>(storage.get());
  }
  template <typename T>
  const T *as() const {
    return reinterpret_cast<const T *>(storage.get());
  }

private:
  struct Free {
    size_t bytes;
    Pages pages;
    bool isBorrowed;
    void operator()(std::byte *memory) const noexcept;
  };
  using Storage = std::unique_ptr<std::byte[], Free>;
  size_t capacity() const { return storage ? storage.get_deleter().bytes : 0; }
  /// Null if there is no memory.
  static Storage allocate(size_t bytes, Pages pages);
  void replace(size_t bytes);

  Storage storage;
  int64_t count = 0;
  Pages pages;
};

} // namespace lpgen

#endif // LPGEN_BASE_TENSOR_ALIGNEDBYTES_H
