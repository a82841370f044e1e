// The product that a kernel shares with its baselines: a convolution, a
// depthwise one, or a matrix product seen as a convolution of one row of pixels
// with a 1 x 1 filter.
#ifndef LPGEN_WORKBENCH_MEASURE_PROBLEM_H
#define LPGEN_WORKBENCH_MEASURE_PROBLEM_H

#include <cstdint>

namespace lpgen {

/// What is written for each sum.
enum class OutputKind { I32, U8, S8, F32 };

/// y[n,h,v,o] = sum(r,s,c) x[n, h*strideH + r*dilationH - padTop, ..., c]
///              * w[o,r,s,c], reads outside x giving 0.
/// Layouts: x NHWC (GEMM: rows, K), w OHWI (GEMM: N, K), y NHWC. Depthwise,
///   y[n,h,v,c] = sum(r,s) x[n, h*strideH + ..., c] * w[r,s,c]
struct Problem {
  bool isGemm = false;
  bool isDepthwise = false; ///< As many outputs as channels.
  int64_t batch = 1;
  int64_t height = 1;
  int64_t width = 1;
  int64_t channels = 1;
  int64_t outChannels = 1;
  int64_t outHeight = 1;
  int64_t outWidth = 1;
  int64_t kernelH = 1;
  int64_t kernelW = 1;
  int64_t strideH = 1;
  int64_t strideW = 1;
  int64_t dilationH = 1;
  int64_t dilationW = 1;
  int64_t padTop = 0;
  int64_t padLeft = 0;
  int x = 0;       ///< Tensor of the activations.
  int w = 1;       ///< Tensor of the weights.
  int result = -1; ///< Output that holds these very sums as i32, or -1.
  OutputKind output = OutputKind::I32;

  int64_t pixels() const { return batch * outHeight * outWidth; }
  int64_t reductionSize() const {
    return kernelH * kernelW * (isDepthwise ? 1 : channels);
  }
};

/// Its name in files.
inline const char *problemKind(const Problem &problem) {
  return problem.isGemm ? "gemm" : problem.isDepthwise ? "depthwise" : "conv";
}

} // namespace lpgen

#endif // LPGEN_WORKBENCH_MEASURE_PROBLEM_H
