// Slicing operands, running the kernel, adding up.
#include "training/contractions/IntegerGemm.h"
#include <algorithm>
#include <array>

namespace lpgen::quant {

/// Shorter chunks would spend their time on packing and adding up.
static constexpr int64_t leastChunk = 64;
/// |high| and |low| of a 16-bit w: low is in [-128, 127].
static constexpr int32_t partMax = 128;

static int32_t lowPart(int32_t w) { return int32_t(int8_t(uint8_t(w & 0xff))); }
static int32_t highPart(int32_t w) { return (w - lowPart(w)) / 256; }

Result<std::unique_ptr<IntegerGemm>>
IntegerGemm::create(const GemmShape &shape, int workers,
                    KernelProvider &kernels) {
  std::unique_ptr<IntegerGemm> gemm(new IntegerGemm());
  gemm->shape = shape;
  gemm->spec.xMax = shape.xMax;
  gemm->spec.wMax = shape.wMax;
  gemm->spec.rows = shape.rows;
  gemm->spec.columns = shape.columns;
  if (GemmSpec::maxReduction(shape.xMax, shape.wMax) <
      std::min(leastChunk, shape.reduction)) {
    gemm->parts = 2;
    gemm->spec.wMax = partMax;
  }
  const int64_t longest =
      GemmSpec::maxReduction(gemm->spec.xMax, gemm->spec.wMax);
  gemm->chunks = (shape.reduction + longest - 1) / longest;
  gemm->spec.reduction = (shape.reduction + gemm->chunks - 1) / gemm->chunks;
  const Result<const lp_kernel *> kernel =
      kernels.find(gemmOperatorName(gemm->spec), gemmOperatorText(gemm->spec));
  LPGEN_RETURN_IF_ERROR(kernel.status());
  gemm->kernelSymbol = (*kernel)->symbol;
  for (int i = 0; i < workers; ++i) {
    Result<KernelRunner> runner = KernelRunner::create(**kernel);
    LPGEN_RETURN_IF_ERROR(runner.status());
    gemm->workers.emplace_back().runner =
        std::make_unique<KernelRunner>(std::move(*runner));
  }
  return gemm;
}

/// Columns [chunk * length, ...) of a matrix [rows, reduction] as a dense
/// matrix [rows, length], filled up with 0; the matrix itself if that is it.
template <typename To, typename From, typename Convert>
const To *IntegerGemm::slice(const From *matrix, int64_t rows, int64_t chunk,
                             Worker &worker, Convert convert) const {
  if constexpr (std::is_same_v<To, From>) {
    if (isOneCall()) {
      return matrix;
    }
  }
  const int64_t length = spec.reduction;
  const int64_t begin = chunk * length;
  const int64_t count = std::min(length, shape.reduction - begin);
  worker.slice.resize(size_t(rows * length)); // Enough for bytes as well.
  To *out = reinterpret_cast<To *>(worker.slice.data());
  for (int64_t row = 0; row < rows; ++row) {
    const From *from = matrix + row * shape.reduction + begin;
    To *to = out + row * length;
    for (int64_t i = 0; i < count; ++i) {
      to[i] = To(convert(from[i]));
    }
    std::fill(to + count, to + length, To(0));
  }
  return out;
}

template <typename T>
Status IntegerGemm::pack(const T *w, PackedWeights &packed, int worker) {
  Worker &own = workers[size_t(worker)];
  packed.clear();
  const std::array<int64_t, 1> sizes = {shape.rows};
  for (int part = 0; part < parts; ++part) {
    for (int64_t chunk = 0; chunk < chunks; ++chunk) {
      const void *piece = nullptr;
      if (parts == 1) {
        piece = slice<T>(w, shape.columns, chunk, own, [](T q) { return q; });
      } else {
        piece = slice<int16_t>(w, shape.columns, chunk, own, [&](T q) {
          return part == 0 ? highPart(q) : lowPart(q);
        });
      }
      if (own.runner->isPacked(1, sizes)) {
        Result<AlignedBytes> bytes = own.runner->pack(1, sizes, piece);
        LPGEN_RETURN_IF_ERROR(bytes.status());
        packed.push_back(std::move(*bytes));
        continue;
      }
      // A kernel that takes w as it is still gets a copy that lasts.
      Result<AlignedBytes> bytes = AlignedBytes::create(
          shape.columns * spec.reduction * spec.wType().storageBits() / 8);
      LPGEN_RETURN_IF_ERROR(bytes.status());
      std::copy_n(static_cast<const std::byte *>(piece), bytes->size(),
                  static_cast<std::byte *>(bytes->data()));
      packed.push_back(std::move(*bytes));
    }
  }
  return Status::success();
}

template <typename T>
Status IntegerGemm::multiply(const T *x, int64_t rows, PackedWeights &packed,
                             int worker) {
  assert(rows <= shape.rows && packed.size() == size_t(parts * chunks));
  Worker &own = workers[size_t(worker)];
  const int64_t count = rows * shape.columns;
  own.pieceSums.resize(size_t(count));
  own.sums.assign(isOneCall() ? 0 : size_t(count), 0);
  for (int64_t chunk = 0; chunk < chunks; ++chunk) {
    const T *piece = slice<T>(x, rows, chunk, own, [](T q) { return q; });
    for (int part = 0; part < parts; ++part) {
      // The interface has one array for inputs and outputs; inputs are read
      // only.
      const std::array<void *, 3> buffers = {
          const_cast<T *>(piece), packed[size_t(part * chunks + chunk)].data(),
          own.pieceSums.data()};
      LPGEN_RETURN_IF_ERROR(own.runner->run(buffers, std::array{rows}));
      const int64_t factor = parts == 2 && part == 0 ? 256 : 1;
      for (int64_t i = 0; !isOneCall() && i < count; ++i) {
        own.sums[size_t(i)] += factor * own.pieceSums[size_t(i)];
      }
    }
  }
  return Status::success();
}

template Status IntegerGemm::pack(const int8_t *, PackedWeights &, int);
template Status IntegerGemm::pack(const int16_t *, PackedWeights &, int);
template Status IntegerGemm::multiply(const int8_t *, int64_t, PackedWeights &,
                                      int);
template Status IntegerGemm::multiply(const int16_t *, int64_t, PackedWeights &,
                                      int);

} // namespace lpgen::quant
