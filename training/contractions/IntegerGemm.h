// One matrix product of symmetric integers, of any length and any width up to
// 16 bits, by one generated kernel.
//
// The kernel adds in 32 bits. A longer reduction is cut into chunks; where both
// operands are wide, w = 256 high + low is taken apart. The pieces are added in
// 64 bits: the sums are exact.
#ifndef LPGEN_TRAINING_CONTRACTIONS_INTEGERGEMM_H
#define LPGEN_TRAINING_CONTRACTIONS_INTEGERGEMM_H

#include "operators/builder/GemmOperator.h"
#include "runtime/kernels/KernelProvider.h"
#include "runtime/kernels/KernelRunner.h"
#include "training/core/StepContext.h"
#include <memory>
#include <vector>

namespace lpgen::quant {

/// y[i,j] = sum(k) x[i,k] * w[j,k] with |x| <= xMax, |w| <= wMax.
struct GemmShape {
  int32_t xMax = 127;
  int32_t wMax = 127;
  int64_t rows = 1; ///< Greatest number of rows of a call.
  int64_t columns = 1;
  int64_t reduction = 1;

  bool operator==(const GemmShape &other) const = default;
};

/// w [columns, reduction] as the kernel wants it: part by part, chunk by chunk.
using PackedWeights = std::vector<AlignedBytes>;

class IntegerGemm {
public:
  /// One for `workers` threads at once. Gets the kernel from the provider.
  static Result<std::unique_ptr<IntegerGemm>>
  create(const GemmShape &shape, int workers, KernelProvider &kernels);

  bool isFor(const GemmShape &other, int numWorkers) const {
    return shape == other && workers.size() == size_t(numWorkers);
  }
  const std::string &symbol() const { return kernelSymbol; }

  /// Packs a dense w of the storage type of wMax.
  template <typename T>
  Status pack(const T *w, PackedWeights &packed, int worker);
  /// Multiplies `rows` rows of a dense x of the storage type of xMax. Workers
  /// may do so at once, each under its number.
  template <typename T>
  Status multiply(const T *x, int64_t rows, PackedWeights &packed, int worker);
  /// Calls `use` with the sums [rows, columns] of the worker's last call, as
  /// int32_t or int64_t.
  template <typename Use>
  void visitSums(int worker, Use use) const {
    const Worker &own = workers[size_t(worker)];
    return isOneCall() ? use(own.pieceSums.data()) : use(own.sums.data());
  }

private:
  struct Worker {
    std::unique_ptr<KernelRunner> runner;
    std::vector<int16_t> slice;     ///< A piece of an operand.
    std::vector<int32_t> pieceSums; ///< y of one call of the kernel.
    std::vector<int64_t> sums;      ///< Of all calls, if there are several.
  };

  IntegerGemm() = default;
  bool isOneCall() const { return chunks == 1 && parts == 1; }
  template <typename To, typename From, typename Convert>
  const To *slice(const From *matrix, int64_t rows, int64_t chunk,
                  Worker &worker, Convert convert) const;

  GemmShape shape;
  GemmSpec spec; ///< What the kernel computes.
  int64_t chunks = 1;
  int parts = 1; ///< 2 if w is taken apart, high part first.
  std::string kernelSymbol;
  std::vector<Worker> workers;
};

/// The product of the last shape that was asked for.
class CachedGemm {
public:
  /// The provider must outlive this.
  explicit CachedGemm(KernelProvider &kernels) : kernels(&kernels) {}
  Result<IntegerGemm *> forShape(const GemmShape &shape,
                                 const nn::StepContext &context) {
    const int workers = nn::numWorkers(context);
    if (!gemm || !gemm->isFor(shape, workers)) {
      Result<std::unique_ptr<IntegerGemm>> made =
          IntegerGemm::create(shape, workers, *kernels);
      LPGEN_RETURN_IF_ERROR(made.status());
      gemm = std::move(*made);
    }
    return gemm.get();
  }
  /// Of its kernel; "none yet".
  std::string symbol() const { return gemm ? gemm->symbol() : "none yet"; }

private:
  KernelProvider *kernels;
  std::unique_ptr<IntegerGemm> gemm;
};

} // namespace lpgen::quant

#endif // LPGEN_TRAINING_CONTRACTIONS_INTEGERGEMM_H
