// The operators that Halide and the interpreter compute on the same inputs.
//
// Shared by halide-oracle, which knows nothing of the compiler, and
// halide-test, which knows nothing of Halide: two versions of LLVM must not
// meet in one process. Plain data over the runtime's element types only.
#ifndef LPGEN_TESTS_HALIDE_HALIDECASES_H
#define LPGEN_TESTS_HALIDE_HALIDECASES_H

#include "base/types/ElementType.h"
#include <cstdint>
#include <string>
#include <vector>

namespace lpgen::halidetest {

/// A matrix product y[i,j] = sum(k) (x[i,k] - zx) * (w[j,k] - zw[j]).
struct GemmCase {
  std::string name;
  ElementType x;
  ElementType w;
  int64_t m = 1;
  int64_t n = 1;
  int64_t k = 1;
  bool xZero = false; ///< A zero point of x, a scalar input `zx`.
  bool wZero = false; ///< Zero points of w, one per column, an input `zw`.
};

/// What a read outside the image yields.
enum class Border { None, Value, XZero };

/// A convolution over NHWC images and GOHWI weights,
/// y[b,h,v,g,o] = sum(r,s,c) (x[b, stride*h + dilation*r - top, ..., g, c] -
/// zx)
///                           * (w[g,o,r,s,c] - zw[g,o]).
struct ConvCase {
  std::string name;
  ElementType x;
  ElementType w;
  int64_t batch = 1;
  int64_t height = 8;
  int64_t width = 8;
  int64_t groups = 1;
  int64_t inputs = 4;  ///< Channels of x per group.
  int64_t outputs = 4; ///< Channels of y per group.
  int64_t filterHeight = 3;
  int64_t filterWidth = 3;
  int64_t stride = 1;
  int64_t dilation = 1;
  /// Rows and columns of border: top, bottom, left, right.
  int64_t top = 1;
  int64_t bottom = 1;
  int64_t left = 1;
  int64_t right = 1;
  Border border = Border::Value;
  int64_t borderValue = 0;
  bool xZero = false;
  bool wZero = false;

  int64_t outputHeight() const {
    return (height + top + bottom - dilation * (filterHeight - 1) - 1) /
               stride +
           1;
  }
  int64_t outputWidth() const {
    return (width + left + right - dilation * (filterWidth - 1) - 1) / stride +
           1;
  }
};

std::vector<GemmCase> gemmCases();
std::vector<ConvCase> convCases();

} // namespace lpgen::halidetest

#endif // LPGEN_TESTS_HALIDE_HALIDECASES_H
