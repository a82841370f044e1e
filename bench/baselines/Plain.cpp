// The plain loop nest: what a programmer writes first and leaves to the
// compiler, which may vectorize the loop over the channels.
#include "base/abi/CpuFeatures.h"
#include "base/abi/lp_kernel.h"
#include "bench/baselines/Operands.h"
#include "workbench/measure/Baseline.h"

namespace lpgen {

// Compiler, options and instruction set of this very file; CMake gives them.
static constexpr const char *compilerName = LPGEN_BENCH_PLAIN_COMPILER;
#ifdef LPGEN_BENCH_PLAIN_AVX2
#define LPGEN_BENCH_PLAIN_ISA __attribute__((target("avx2")))
static constexpr uint64_t neededFeatures = LP_CPU_AVX2;
#else
#define LPGEN_BENCH_PLAIN_ISA
static constexpr uint64_t neededFeatures = LP_CPU_NONE;
#endif

/// One row of output pixels. Restricted pointers and constant strides are all
/// the help the compiler gets.
template <typename X, typename W>
LPGEN_BENCH_PLAIN_ISA static void
computeRow(const Problem &p, int64_t row, const X *__restrict x,
           const W *__restrict w, int32_t *__restrict y) {
  const int64_t image = row / p.outHeight;
  const int64_t h = row % p.outHeight;
  for (int64_t v = 0; v < p.outWidth; ++v) {
    for (int64_t o = 0; o < p.outChannels; ++o) {
      int32_t sum = 0;
      for (int64_t r = 0; r < p.kernelH; ++r) {
        const int64_t xh = h * p.strideH + r * p.dilationH - p.padTop;
        if (xh < 0 || xh >= p.height) {
          continue;
        }
        for (int64_t s = 0; s < p.kernelW; ++s) {
          const int64_t xw = v * p.strideW + s * p.dilationW - p.padLeft;
          if (xw < 0 || xw >= p.width) {
            continue;
          }
          const X *pixel =
              x + ((image * p.height + xh) * p.width + xw) * p.channels;
          const W *tap = w + ((o * p.kernelH + r) * p.kernelW + s) * p.channels;
          for (int64_t c = 0; c < p.channels; ++c) {
            sum += int32_t(pixel[c]) * int32_t(tap[c]);
          }
        }
      }
      y[(row * p.outWidth + v) * p.outChannels + o] = sum;
    }
  }
}

/// The same with one filter for each channel, w[r,s,c].
template <typename X, typename W>
LPGEN_BENCH_PLAIN_ISA static void
computeDepthwiseRow(const Problem &p, int64_t row, const X *__restrict x,
                    const W *__restrict w, int32_t *__restrict y) {
  const int64_t image = row / p.outHeight;
  const int64_t h = row % p.outHeight;
  for (int64_t v = 0; v < p.outWidth; ++v) {
    int32_t *sums = y + (row * p.outWidth + v) * p.channels;
    std::fill_n(sums, p.channels, 0);
    for (int64_t r = 0; r < p.kernelH; ++r) {
      const int64_t xh = h * p.strideH + r * p.dilationH - p.padTop;
      for (int64_t s = 0; s < p.kernelW; ++s) {
        const int64_t xw = v * p.strideW + s * p.dilationW - p.padLeft;
        if (xh < 0 || xh >= p.height || xw < 0 || xw >= p.width) {
          continue;
        }
        const X *pixel =
            x + ((image * p.height + xh) * p.width + xw) * p.channels;
        const W *tap = w + (r * p.kernelW + s) * p.channels;
        for (int64_t c = 0; c < p.channels; ++c) {
          sums[c] += int32_t(pixel[c]) * int32_t(tap[c]);
        }
      }
    }
  }
}

namespace {
template <typename X, typename W>
class PlainBaseline : public Baseline {
public:
  explicit PlainBaseline(const BaselineInputs &inputs)
      : problem(inputs.problem), pool(inputs.pool), x(valuesOf<X>(inputs.x)),
        w(valuesOf<W>(inputs.w)),
        y(size_t(problem.pixels() * problem.outChannels)) {}

  std::string name() const override {
    return std::string(sizeof(X) == 1 ? "plain C++ int8, "
                                      : "plain C++ int16, ") +
           compilerName;
  }
  Status run() override {
    const auto compute =
        problem.isDepthwise ? computeDepthwiseRow<X, W> : computeRow<X, W>;
    const auto work = [&](int, TaskRange range) {
      for (int64_t row = range.begin; row < range.end; ++row) {
        compute(problem, row, x.data(), w.data(), y.data());
      }
    };
    const int64_t rows = problem.batch * problem.outHeight;
    if (pool) {
      pool->run(rows, work);
    } else {
      work(0, {0, rows});
    }
    return Status::success();
  }
  Result<std::vector<int32_t>> results() override { return y; }

private:
  const Problem &problem;
  ThreadPool *pool;
  std::vector<X> x;
  std::vector<W> w;
  std::vector<int32_t> y;
};
} // namespace

BaselineResult makePlainBaseline(const BaselineInputs &inputs) {
  if ((neededFeatures & ~lp_cpu_features()) != 0) {
    return Status::error("plain C++: was compiled for AVX2, which this CPU "
                         "lacks");
  }
  const auto fits = [](const BenchTensor &tensor, int64_t lo, int64_t hi) {
    return BaselineInputs::fits(tensor, lo, hi);
  };
  const bool wIs8Bit = fits(inputs.wType, INT8_MIN, INT8_MAX);
  if (wIs8Bit && fits(inputs.xType, 0, UINT8_MAX)) {
    return BaselineResult(
        std::make_unique<PlainBaseline<uint8_t, int8_t>>(inputs));
  }
  if (wIs8Bit && fits(inputs.xType, INT8_MIN, INT8_MAX)) {
    return BaselineResult(
        std::make_unique<PlainBaseline<int8_t, int8_t>>(inputs));
  }
  if (fits(inputs.xType, INT16_MIN, INT16_MAX) &&
      fits(inputs.wType, INT16_MIN, INT16_MAX)) {
    return BaselineResult(
        std::make_unique<PlainBaseline<int16_t, int16_t>>(inputs));
  }
  return Status::error("plain C++: operands beyond 16 bits");
}

} // namespace lpgen
