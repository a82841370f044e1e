// Float tensors of the training runtime: dense, row-major, activations NHWC.
//
// What layers hand to each other and what optimizers update. Integer operands
// of kernels are made from these by quantizers and live beside them.
#ifndef LPGEN_TRAINING_CORE_FLOATTENSOR_H
#define LPGEN_TRAINING_CORE_FLOATTENSOR_H

#include "base/tensor/AlignedBytes.h"
#include <cassert>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace lpgen::nn {

class FloatTensor {
public:
  FloatTensor() = default;
  /// All elements 0.
  explicit FloatTensor(std::vector<int64_t> shape) { resize(std::move(shape)); }

  /// Over the memory of someone else, which outlives the tensor.
  static FloatTensor over(float *values, std::vector<int64_t> shape) {
    FloatTensor tensor;
    const int64_t count = countOf(shape);
    tensor.extents = std::move(shape);
    tensor.bytes = AlignedBytes::borrow(values, count * int64_t(sizeof(float)));
    return tensor;
  }

  /// Gives the tensor this shape and keeps its memory where that suffices; the
  /// elements are unspecified afterwards, those of new memory 0.
  void resize(std::vector<int64_t> shape) {
    const int64_t count = countOf(shape);
    extents = std::move(shape);
    bytes.resize(count * int64_t(sizeof(float)));
  }
  const std::vector<int64_t> &shape() const { return extents; }
  /// Extent of a dimension, 0 being the first.
  int64_t extent(size_t dimension) const { return extents.at(dimension); }
  int64_t size() const { return bytes.size() / int64_t(sizeof(float)); }
  /// Of a gradient: its elements are 2^scaleExponent() times what they stand
  /// for. 0 unless a layer or a caller sets it; resize leaves it.
  int scaleExponent() const { return exponent; }
  void setScaleExponent(int value) { exponent = value; }
  /// Elements of one index of the first dimension: of one image.
  int64_t sliceSize() const {
    return extents.empty() || extents[0] == 0 ? 0 : size() / extents[0];
  }
  float *data() { return bytes.as<float>(); }
  const float *data() const { return bytes.as<float>(); }
  std::span<float> values() { return {data(), size_t(size())}; }
  std::span<const float> values() const { return {data(), size_t(size())}; }
  float &operator[](int64_t i) { return data()[i]; }
  float operator[](int64_t i) const { return data()[i]; }

private:
  static int64_t countOf(const std::vector<int64_t> &shape) {
    int64_t count = 1;
    for (int64_t extent : shape) {
      assert(extent >= 0 && "negative extent");
      count *= extent;
    }
    return count;
  }

  std::vector<int64_t> extents;
  AlignedBytes bytes{AlignedBytes::Pages::Large};
  int exponent = 0;
};

} // namespace lpgen::nn

#endif // LPGEN_TRAINING_CORE_FLOATTENSOR_H
