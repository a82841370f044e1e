// Integer tensors with one scale: what quantizers make and kernels multiply.
#ifndef LPGEN_TRAINING_CORE_INTTENSOR_H
#define LPGEN_TRAINING_CORE_INTTENSOR_H

#include "base/tensor/AlignedBytes.h"
#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace lpgen::quant {

/// value = scale * q, |q| <= max. Elements are int8_t if max <= 127, else
/// int16_t, as in the logical buffers of kernels.
class IntTensor {
public:
  /// Elements are unspecified afterwards.
  void reset(int64_t size, int32_t max, float scale) {
    assert(max >= 1 && max <= 32767 && "no such width");
    count = size;
    limit = max;
    lower = -max;
    factor = scale;
    storage.resize(isNarrow() ? size : 2 * size);
  }
  int64_t size() const { return count; }
  int32_t max() const { return limit; }
  /// No element is less: -max(), or 0 if it is known that none is negative.
  int32_t lowest() const { return lower; }
  void setNonNegative() { lower = 0; }
  float scale() const { return factor; }
  void setScale(float scale) { factor = scale; }
  bool isNarrow() const { return limit <= 127; }

  /// The elements of a narrow tensor.
  const int8_t *bytes() const {
    assert(isNarrow() && "elements are words");
    return storage.as<int8_t>();
  }
  /// The elements, whose type T must be.
  template <typename T>
  T *elements() {
    assert(isNarrow() == (sizeof(T) == 1) && "of another type");
    return storage.as<T>();
  }
  /// Calls `use` with a pointer to the elements, of their own type.
  template <typename Use>
  auto visit(Use use) const {
    return isNarrow() ? use(storage.as<int8_t>()) : use(storage.as<int16_t>());
  }
  template <typename Use>
  auto visit(Use use) {
    return isNarrow() ? use(storage.as<int8_t>()) : use(storage.as<int16_t>());
  }
  std::vector<int32_t> codes() const {
    return visit(
        [&](const auto *q) { return std::vector<int32_t>(q, q + count); });
  }
  int32_t at(int64_t i) const {
    return visit([&](const auto *q) { return int32_t(q[i]); });
  }

private:
  int64_t count = 0;
  int32_t limit = 127;
  int32_t lower = -127;
  float factor = 1;
  AlignedBytes storage{AlignedBytes::Pages::Large};
};

/// The greatest magnitude of a symmetric integer of `bits` bits.
constexpr int32_t symmetricMax(int bits) {
  return (int32_t{1} << (bits - 1)) - 1;
}

/// The integers that a quantizer makes.
struct CodeRange {
  int32_t lowest = -127;
  int32_t highest = 127;
};
constexpr CodeRange symmetricCodes(int bits) {
  return {-symmetricMax(bits), symmetricMax(bits)};
}
/// Of a tensor without negative elements: all codes of `bits` bits that its
/// storage holds, which is int8_t up to 8 bits, int16_t up to 16.
constexpr CodeRange unsignedCodes(int bits) {
  const int32_t stored = symmetricMax(bits <= 8 ? 8 : 16);
  return {0, std::min((int32_t{1} << bits) - 1, stored)};
}

} // namespace lpgen::quant

#endif // LPGEN_TRAINING_CORE_INTTENSOR_H
