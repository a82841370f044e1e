// Measuring kernels of one operator where they are to run: each is first
// compared with the interpreter, then timed by the kernel runner.
#ifndef LPGEN_WORKBENCH_TUNE_MEASURE_H
#define LPGEN_WORKBENCH_TUNE_MEASURE_H

#include "compiler/pipeline/Compile.h"
#include "operators/frontend/Ast.h"
#include "workbench/run/KernelProgram.h"
#include "workbench/verify/Compare.h"
#include <string>
#include <vector>

namespace lpgen {

/// What came of one kernel.
struct MeasuredKernel {
  /// Of the fastest turn; nothing if the kernel is wrong or failed.
  std::optional<KernelTiming> timing;
  bool isWrong = false; ///< An element differed from the interpreter's.
  std::string message;  ///< Why there is no timing.
};

class KernelMeter {
public:
  /// Makes inputs, random ones and the greatest values, and what the
  /// interpreter says of them. Run-time sizes take their bounds. `remote` as in
  /// KernelProgram::link; `seconds` is how long a turn of a kernel takes.
  static Result<KernelMeter> create(const ast::Op &op, const TargetDesc &target,
                                    std::string remote, double seconds);

  /// Measures kernels that take turns, `turns` each. A kernel that dies spoils
  /// the others: then each is measured alone. An error if nothing could be run
  /// at all.
  Result<std::vector<MeasuredKernel>>
  measure(llvm::ArrayRef<CompiledOp> kernels, unsigned turns) const;

  /// The run-time sizes: the bounds.
  llvm::ArrayRef<int64_t> sizes() const { return runSizes; }

private:
  struct InputSet {
    std::string name;
    std::vector<HostTensor> tensors;
    Expectation expected;
  };
  KernelMeter(const ast::Op &op, const TargetDesc &target)
      : op(op), target(target) {}
  /// The jobs of a measurement, and whose they are.
  struct Plan {
    std::vector<Job> jobs;
    std::vector<std::pair<size_t, size_t>> origins; ///< Kernel, input set.
  };
  Plan plan(llvm::ArrayRef<CompiledOp> kernels, unsigned turns) const;
  Job makeTurn(const CompiledOp &kernel, const InputSet &inputs,
               double timedSeconds) const;
  Result<std::vector<MeasuredKernel>>
  measureAlone(llvm::ArrayRef<CompiledOp> kernels, unsigned turns) const;
  void take(const Job &job, const InputSet &inputs, const JobResult &result,
            MeasuredKernel &kernel) const;

  const ast::Op &op;
  const TargetDesc &target;
  std::string remote;
  double seconds = 0;
  std::vector<int64_t> runSizes;
  std::vector<InputSet> inputSets;
};

} // namespace lpgen

#endif // LPGEN_WORKBENCH_TUNE_MEASURE_H
