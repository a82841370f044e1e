// Tensors that are views of larger ones: element (i, j, ...) lies stride_0 * i
// + stride_1 * j + ... elements behind the first.
//
// Kernels take such buffers where an operator declares `strides`; here are the
// rules for them, and the copies for callers whose tensors are dense.
#ifndef LPGEN_BASE_TENSOR_STRIDES_H
#define LPGEN_BASE_TENSOR_STRIDES_H

#include "base/types/ComputedSize.h"
#include <cstdint>
#include <span>
#include <vector>

namespace lpgen {

/// Elements from the first to the last of a view, with all between them; 0 if
/// it has none.
int64_t spanOf(std::span<const int64_t> shape,
               std::span<const int64_t> strides);

/// True if the dimensions lie within each other: each stride is beyond all
/// elements of the dimensions with smaller ones. Then no two elements share a
/// place. Dimensions of one element do not count.
bool areNested(std::span<const int64_t> shape,
               std::span<const int64_t> strides);

/// Strides of a row-major tensor without gaps.
std::vector<int64_t> denseStrides(std::span<const int64_t> shape);

/// True if both lead to the same places.
bool areStridesAlike(std::span<const int64_t> shape, std::span<const int64_t> a,
                     std::span<const int64_t> b);

/// Copies a tensor of elements of `bytes` bytes from one view to another.
void copyView(std::span<const int64_t> shape, int64_t bytes, const void *from,
              std::span<const int64_t> fromStrides, void *to,
              std::span<const int64_t> toStrides);

/// One extent or stride: a constant, or a run-time size by its position in a
/// list of the given ones and the computed ones behind them.
struct SizeOrConstant {
  int64_t constant = 0;
  int64_t size = -1; ///< Negative: the constant counts.
};

/// A tensor of a kernel that lies in strides.
struct StridedTensor {
  std::vector<SizeOrConstant> shape;
  std::vector<SizeOrConstant> strides;
};

/// Gives the sizes that are not `known` values for which each tensor lies
/// without overlap: those that strides name, `slack` beyond the least that do,
/// and at most `bounds`. All sizes of shapes are known.
void chooseStrides(std::span<const StridedTensor> tensors,
                   std::span<const ComputedSize> computed,
                   std::span<const int64_t> bounds, int64_t slack,
                   std::vector<int64_t> &given, std::vector<bool> known);

} // namespace lpgen

#endif // LPGEN_BASE_TENSOR_STRIDES_H
