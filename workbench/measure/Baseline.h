// Other implementations of the same product, measured beside a kernel.
//
// A baseline gets the logical operands once, brings them into its own layouts,
// and from then on only computes: what is timed is run(). One file per
// baseline.
#ifndef LPGEN_WORKBENCH_MEASURE_BASELINE_H
#define LPGEN_WORKBENCH_MEASURE_BASELINE_H

#include "base/system/ThreadPool.h"
#include "base/tensor/Tensor.h"
#include "workbench/measure/Job.h"
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace lpgen {

/// How exact a baseline is with the operands that it was made from.
enum class Arithmetic {
  Exact,
  Saturating, ///< Intermediate sums of 16 bits may saturate.
  Rounding,   ///< Sums of float32 may leave the integers that it holds exactly.
};

/// What a baseline is made from; all of it outlives the baseline.
struct BaselineInputs {
  const Problem &problem;
  const BenchTensor &xType;
  const BenchTensor &wType;
  const HostTensor &x;
  const HostTensor &w;
  ThreadPool *pool = nullptr; ///< Null for one thread.
  int threads = 1;
  std::string isa; ///< As BenchJob::baselineIsa.

  /// True if all legal values of the tensor lie in [lo, hi].
  static bool fits(const BenchTensor &tensor, int64_t lo, int64_t hi) {
    return !tensor.type.isFloat() && tensor.lo >= lo && tensor.hi <= hi;
  }
  /// An error if an operand fits neither unsigned nor signed bytes.
  Status checkBytes(const std::string &baseline) const;
  /// Exact if all partial sums are integers that float32 holds, else Rounding.
  Arithmetic floatArithmetic() const;
};

class Baseline {
public:
  virtual ~Baseline() = default;
  /// With data type, instruction set and version, for the table.
  virtual std::string name() const = 0;
  /// Which of its own kernels it uses, if it has several.
  virtual std::string implementation() const { return ""; }
  /// Computes all outputs once.
  virtual Status run() = 0;
  /// The results of the last run in NHWC, for comparison; empty if they are no
  /// function of the sums (see `expected`).
  virtual Result<std::vector<int32_t>> results() = 0;
  /// What the baseline writes where the sum is `sum`: libraries that only write
  /// 8 bits round and clamp it.
  virtual int32_t expected(int64_t sum) const { return int32_t(sum); }
  /// Whether results may differ from what is expected.
  virtual Arithmetic arithmetic() const { return Arithmetic::Exact; }
};

using BaselineResult = Result<std::unique_ptr<Baseline>>;

// One function for each file beside this one. An error says why these operands
// are not for the baseline.

/// oneDNN's convolution or matmul on 8-bit operands, and the same on float32.
BaselineResult makeOneDnnBaseline(const BaselineInputs &inputs);
BaselineResult makeOneDnnFloatBaseline(const BaselineInputs &inputs);
/// OpenBLAS's float32 matrix product.
BaselineResult makeOpenBlasBaseline(const BaselineInputs &inputs);
/// XNNPACK's convolution or fully connected layer on 8-bit operands.
BaselineResult makeXnnpackBaseline(const BaselineInputs &inputs);
/// gemmlowp's exact matrix product of 8-bit operands.
BaselineResult makeGemmlowpBaseline(const BaselineInputs &inputs);
/// A Halide schedule over bit planes, and one that widens 8-bit operands.
BaselineResult makeHalideBitSerialBaseline(const BaselineInputs &inputs);
BaselineResult makeHalideInt8Baseline(const BaselineInputs &inputs);
/// A register-tiled 16-bit integer kernel, written by hand for AVX2.
BaselineResult makeInt16Avx2Baseline(const BaselineInputs &inputs);
/// A plain loop nest in C++, as the compiler optimizes it.
BaselineResult makePlainBaseline(const BaselineInputs &inputs);

/// All baselines that were built and take these operands; why the others do not
/// is appended to `notes`.
std::vector<std::unique_ptr<Baseline>>
makeBaselines(const BaselineInputs &inputs, std::vector<std::string> &notes);

} // namespace lpgen

#endif // LPGEN_WORKBENCH_MEASURE_BASELINE_H
