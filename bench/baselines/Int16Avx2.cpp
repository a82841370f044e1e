// A 16-bit integer kernel as an engineer writes it by hand for AVX2: vpmaddwd
// on pairs of channels, 6 pixels x 16 output channels in registers.
//
// Weights [panel of 16 outputs][tap][channel pair][output][2]; activations NHWC
// with their halo, channels rounded up to pairs. Neighbouring taps of one
// filter row lie next to each other in both, so a filter row is one run and no
// im2col is needed. A GEMM is the same with a single tap.
#include "base/abi/CpuFeatures.h"
#include "base/abi/lp_kernel.h"
#include "runtime/kernels/KernelRunner.h"
#include "workbench/measure/Baseline.h"
#include <algorithm>
#include <cstring>
#include <immintrin.h>

namespace lpgen {

static constexpr int64_t tileRows = 6;
static constexpr int64_t panelColumns = 16;
static constexpr int64_t pairLanes = 2 * panelColumns; ///< int16 per step.

/// The reduction of one output as runs of channel pairs.
struct Reduction {
  std::vector<int64_t> offsets; ///< Of the runs from the output's first tap.
  int64_t pairs = 0;            ///< In each run.
};

/// `rows` pixels x 16 outputs; results go to out[row * 16 + column].
template <int rows>
__attribute__((target("avx2"))) static void
computeTile(const Reduction &reduction, const int16_t *const *pixels,
            const int16_t *panel, int32_t *out) {
  __m256i sums[rows][2];
  for (int row = 0; row < rows; ++row) {
    sums[row][0] = sums[row][1] = _mm256_setzero_si256();
  }
  for (const int64_t offset : reduction.offsets) {
    const int16_t *x[rows];
    for (int row = 0; row < rows; ++row) {
      x[row] = pixels[row] + offset;
    }
    for (int64_t pair = 0; pair < reduction.pairs; ++pair) {
      const auto *weights = reinterpret_cast<const __m256i *>(panel);
      const __m256i low = _mm256_load_si256(weights);
      const __m256i high = _mm256_load_si256(weights + 1);
      panel += pairLanes;
      for (int row = 0; row < rows; ++row) {
        int32_t bits;
        std::memcpy(&bits, x[row] + 2 * pair, sizeof(bits));
        const __m256i both = _mm256_set1_epi32(bits);
        sums[row][0] =
            _mm256_add_epi32(sums[row][0], _mm256_madd_epi16(both, low));
        sums[row][1] =
            _mm256_add_epi32(sums[row][1], _mm256_madd_epi16(both, high));
      }
    }
  }
  for (int row = 0; row < rows; ++row) {
    auto *target = reinterpret_cast<__m256i *>(out + row * panelColumns);
    _mm256_storeu_si256(target, sums[row][0]);
    _mm256_storeu_si256(target + 1, sums[row][1]);
  }
}

using TileFunction = void (*)(const Reduction &, const int16_t *const *,
                              const int16_t *, int32_t *);
static constexpr TileFunction tileFunctions[tileRows] = {
    computeTile<1>, computeTile<2>, computeTile<3>,
    computeTile<4>, computeTile<5>, computeTile<6>};

namespace {
class Int16Avx2Baseline : public Baseline {
public:
  explicit Int16Avx2Baseline(const BaselineInputs &inputs)
      : problem(inputs.problem), pool(inputs.pool),
        channels((problem.channels + 1) / 2 * 2),
        panels((problem.outChannels + panelColumns - 1) / panelColumns),
        y(size_t(problem.pixels() * problem.outChannels)) {}

  Status pack(const BaselineInputs &inputs);
  std::string name() const override { return "int16 by hand, vpmaddwd, AVX2"; }
  Status run() override;
  Result<std::vector<int32_t>> results() override { return y; }

private:
  Status packWeights(const HostTensor &w);
  Status packActivations(const HostTensor &x);
  void findRuns(int64_t height, int64_t width);
  void computePixels(TaskRange tiles);

  const Problem &problem;
  ThreadPool *pool;
  int64_t channels; ///< Rounded up to pairs.
  int64_t panels;
  Reduction reduction;
  AlignedBytes weights;
  AlignedBytes activations;
  std::vector<const int16_t *> pixels; ///< First tap of each output pixel.
  std::vector<int32_t> y;
};
} // namespace

Status Int16Avx2Baseline::pack(const BaselineInputs &inputs) {
  LPGEN_RETURN_IF_ERROR(packWeights(inputs.w));
  return packActivations(inputs.x);
}

Status Int16Avx2Baseline::packWeights(const HostTensor &w) {
  const int64_t taps = problem.kernelH * problem.kernelW;
  const int64_t steps = taps * channels / 2;
  Result<AlignedBytes> bytes = AlignedBytes::create(panels * steps * pairLanes *
                                                    int64_t(sizeof(int16_t)));
  LPGEN_RETURN_IF_ERROR(bytes.status());
  weights = std::move(*bytes);
  std::memset(weights.data(), 0, size_t(weights.size()));
  auto *packed = static_cast<int16_t *>(weights.data());
  for (int64_t o = 0; o < problem.outChannels; ++o) {
    for (int64_t tap = 0; tap < taps; ++tap) {
      for (int64_t c = 0; c < problem.channels; ++c) {
        const int64_t step = tap * channels / 2 + c / 2;
        packed[((o / panelColumns) * steps + step) * pairLanes +
               (o % panelColumns) * 2 + c % 2] =
            int16_t(w.getInt((o * taps + tap) * problem.channels + c));
      }
    }
  }
  return Status::success();
}

Status Int16Avx2Baseline::packActivations(const HostTensor &x) {
  const Problem &p = problem;
  const int64_t height =
      (p.outHeight - 1) * p.strideH + (p.kernelH - 1) * p.dilationH + 1;
  const int64_t width =
      (p.outWidth - 1) * p.strideW + (p.kernelW - 1) * p.dilationW + 1;
  Result<AlignedBytes> bytes = AlignedBytes::create(
      p.batch * height * width * channels * int64_t(sizeof(int16_t)));
  LPGEN_RETURN_IF_ERROR(bytes.status());
  activations = std::move(*bytes);
  std::memset(activations.data(), 0, size_t(activations.size()));
  auto *packed = static_cast<int16_t *>(activations.data());
  for (int64_t row = 0; row < p.batch * height; ++row) {
    const int64_t h = row % height - p.padTop;
    for (int64_t column = 0; column < width; ++column) {
      const int64_t v = column - p.padLeft;
      if (h < 0 || h >= p.height || v < 0 || v >= p.width) {
        continue;
      }
      const int64_t from =
          ((row / height * p.height + h) * p.width + v) * p.channels;
      for (int64_t c = 0; c < p.channels; ++c) {
        packed[(row * width + column) * channels + c] =
            int16_t(x.getInt(from + c));
      }
    }
  }
  findRuns(height, width);
  return Status::success();
}

/// Where the pixels' taps lie in the packed activations.
void Int16Avx2Baseline::findRuns(int64_t height, int64_t width) {
  const Problem &p = problem;
  const auto *packed = static_cast<const int16_t *>(activations.data());
  for (int64_t pixel = 0; pixel < p.pixels(); ++pixel) {
    const int64_t row = pixel / p.outWidth;
    const int64_t top =
        row / p.outHeight * height + row % p.outHeight * p.strideH;
    const int64_t left = pixel % p.outWidth * p.strideW;
    pixels.push_back(packed + (top * width + left) * channels);
  }
  const bool isOneRun = p.dilationW == 1;
  reduction.pairs = (isOneRun ? p.kernelW : 1) * channels / 2;
  for (int64_t r = 0; r < p.kernelH; ++r) {
    for (int64_t s = 0; s < (isOneRun ? 1 : p.kernelW); ++s) {
      reduction.offsets.push_back((r * p.dilationH * width + s * p.dilationW) *
                                  channels);
    }
  }
}

/// Tiles of pixels against one panel after the other: a panel stays in L1 or
/// L2, activations stream past it.
void Int16Avx2Baseline::computePixels(TaskRange tiles) {
  const auto *panel = static_cast<const int16_t *>(weights.data());
  const int64_t panelSize =
      int64_t(reduction.offsets.size()) * reduction.pairs * pairLanes;
  alignas(32) int32_t block[tileRows * panelColumns];
  for (int64_t p = 0; p < panels; ++p, panel += panelSize) {
    const int64_t column = p * panelColumns;
    const int64_t columns =
        std::min<int64_t>(panelColumns, problem.outChannels - column);
    for (int64_t tile = tiles.begin; tile < tiles.end; ++tile) {
      const int64_t first = tile * tileRows;
      const int64_t rows =
          std::min<int64_t>(tileRows, problem.pixels() - first);
      tileFunctions[rows - 1](reduction, pixels.data() + first, panel, block);
      for (int64_t row = 0; row < rows; ++row) {
        std::memcpy(y.data() + (first + row) * problem.outChannels + column,
                    block + row * panelColumns,
                    size_t(columns) * sizeof(int32_t));
      }
    }
  }
}

Status Int16Avx2Baseline::run() {
  const int64_t tiles = (problem.pixels() + tileRows - 1) / tileRows;
  const auto work = [this](int, TaskRange range) { computePixels(range); };
  if (pool) {
    pool->run(tiles, work);
  } else {
    work(0, {0, tiles});
  }
  return Status::success();
}

BaselineResult makeInt16Avx2Baseline(const BaselineInputs &inputs) {
  if ((lp_cpu_features() & LP_CPU_AVX2) == 0) {
    return Status::error("int16 by hand: this CPU lacks AVX2");
  }
  if (!BaselineInputs::fits(inputs.xType, INT16_MIN, INT16_MAX) ||
      !BaselineInputs::fits(inputs.wType, INT16_MIN, INT16_MAX)) {
    return Status::error("int16 by hand: operands beyond 16 bits");
  }
  auto baseline = std::make_unique<Int16Avx2Baseline>(inputs);
  LPGEN_RETURN_IF_ERROR(baseline->pack(inputs));
  return BaselineResult(std::move(baseline));
}

} // namespace lpgen
