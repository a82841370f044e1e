// Jobs for the kernel runner as C++ values: written to and read from the files
// that runtime/runner/job.h describes.
#ifndef LPGEN_WORKBENCH_RUN_JOBFILE_H
#define LPGEN_WORKBENCH_RUN_JOBFILE_H

#include "base/system/Status.h"
#include "base/tensor/Tensor.h"
#include "runtime/runner/job.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include <optional>
#include <string>
#include <vector>

namespace lpgen {

/// "whole", "reverse", "chunks".
const char *jobSplitName(JobSplit split);

/// An output that a job makes.
struct JobOutput {
  std::string name; ///< For messages.
  ElementType type;
  std::vector<int64_t> shape;
  std::vector<int64_t> strides; ///< Of a view; empty if it is dense.

  /// Bytes of the buffer; 0 for a shape that no tensor can have; reading the
  /// result back finds that out.
  int64_t byteSize() const;
};

/// One execution of one kernel.
struct Job {
  std::string kernel;      ///< Long symbol, or name of the operator.
  std::string description; ///< What the job tries, for messages; may be empty.
  std::vector<int64_t> sizes; ///< The run-time sizes.
  JobSplit split = JobSplitWhole;
  std::vector<std::string> inputNames;    ///< For messages; one per input.
  std::vector<const HostTensor *> inputs; ///< Not owned.
  std::vector<JobOutput> outputs;
  double timedSeconds = 0; ///< > 0: also repeat for about so long and time.
  /// How each input lies in its buffer: strides of a view, empty if dense.
  std::vector<std::vector<int64_t>> inputStrides;
};

/// How long the executions of a timed job took, packing of activations
/// included.
struct KernelTiming {
  int64_t executions = 0;
  double minSeconds = 0; ///< Of one execution.
  double medianSeconds = 0;
  std::optional<double> frequency; ///< Of the core, in Hz, where measurable.
};

/// What a job made.
struct JobResult {
  std::string symbol;                 ///< Long symbol of the kernel that ran.
  std::optional<KernelTiming> timing; ///< Of a timed job.
  std::vector<HostTensor> outputs;
};

/// The job file for `jobs`.
std::string encodeJobs(llvm::ArrayRef<Job> jobs);

/// Reads a result file. An error names the kernel, the job and what went wrong;
/// a file that ends early does too, as `processEnd` says ("was killed by signal
/// 9").
Result<std::vector<JobResult>> decodeResults(llvm::StringRef bytes,
                                             llvm::ArrayRef<Job> jobs,
                                             const std::string &processEnd);

} // namespace lpgen

#endif // LPGEN_WORKBENCH_RUN_JOBFILE_H
