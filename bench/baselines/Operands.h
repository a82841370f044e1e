// Logical operands in the form that libraries take: flat arrays, and a
// convolution's activations as the rows of a matrix product.
#ifndef LPGEN_BENCH_BASELINES_OPERANDS_H
#define LPGEN_BENCH_BASELINES_OPERANDS_H

#include "base/tensor/Tensor.h"
#include "workbench/measure/Problem.h"
#include <algorithm>
#include <cstdint>
#include <vector>

namespace lpgen {

/// An element of a tensor of integers, or of floats that are whole numbers.
inline int64_t wholeAt(const HostTensor &tensor, int64_t position) {
  return tensor.type().isFloat() ? int64_t(tensor.getFloat(position))
                                 : tensor.getInt(position);
}

/// The tensor's whole numbers plus `offset`, which must be values of T.
template <typename T>
std::vector<T> valuesOf(const HostTensor &tensor, int64_t offset = 0) {
  std::vector<T> values(size_t(tensor.numElements()));
  for (int64_t i = 0; i < tensor.numElements(); ++i) {
    values[size_t(i)] = T(wholeAt(tensor, i) + offset);
  }
  return values;
}

/// The activations that each output reads, [pixels][reduction]; reads outside
/// give `outside`. `x` is what valuesOf gives; a GEMM's rows stay as they are.
template <typename T>
std::vector<T> im2col(const Problem &p, const std::vector<T> &x, T outside) {
  if (p.isGemm) {
    return x;
  }
  std::vector<T> rows(size_t(p.pixels() * p.reductionSize()), outside);
  for (int64_t pixel = 0; pixel < p.pixels(); ++pixel) {
    const int64_t line = pixel / p.outWidth;
    for (int64_t tap = 0; tap < p.kernelH * p.kernelW; ++tap) {
      const int64_t h = line % p.outHeight * p.strideH +
                        tap / p.kernelW * p.dilationH - p.padTop;
      const int64_t v = pixel % p.outWidth * p.strideW +
                        tap % p.kernelW * p.dilationW - p.padLeft;
      if (h < 0 || h >= p.height || v < 0 || v >= p.width) {
        continue;
      }
      const int64_t image = line / p.outHeight;
      const int64_t from = ((image * p.height + h) * p.width + v) * p.channels;
      std::copy_n(x.begin() + from, p.channels,
                  rows.begin() + pixel * p.reductionSize() + tap * p.channels);
    }
  }
  return rows;
}

/// ", on im2col" for the name of a baseline that takes a convolution as a GEMM.
inline const char *im2colRemark(const Problem &problem) {
  return problem.isGemm ? "" : ", on im2col";
}

/// The padding behind the last row or column that the outputs read; negative if
/// they leave some out.
inline int64_t padBehind(int64_t out, int64_t stride, int64_t kernel,
                         int64_t dilation, int64_t size, int64_t padBefore) {
  return (out - 1) * stride + (kernel - 1) * dilation + 1 - size - padBefore;
}

} // namespace lpgen

#endif // LPGEN_BENCH_BASELINES_OPERANDS_H
