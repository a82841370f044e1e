// What lpgen-bench is told: kernels in shared objects, their tensors, and the
// product that baselines can compute as well.
//
// `lpgen bench` compiles, classifies and writes the job as JSON; this program
// reads it, measures and reports. No LLVM on this side.
#ifndef LPGEN_WORKBENCH_MEASURE_JOB_H
#define LPGEN_WORKBENCH_MEASURE_JOB_H

#include "base/system/Status.h"
#include "base/types/ElementType.h"
#include "workbench/measure/Problem.h"
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace lpgen {

/// One argument of a kernel; `lo` and `hi` are its legal integers.
struct BenchTensor {
  std::string name;
  ElementType type;
  std::vector<int64_t> shape;
  /// Least and greatest value of integers. Of floats, if they differ: these are
  /// whole numbers within, so that sums in any order are equal.
  int64_t lo = 0;
  int64_t hi = 0;
  bool isInput = true;
  std::vector<int64_t> strides; ///< Of a view, in elements; empty if dense.
};

/// What a scheduling model says of a kernel's hot loop.
struct Estimate {
  std::string cpu;
  double macsPerCycle = 0;
};

/// A layer of a network; has a line of its own in the report.
struct BenchLayer {
  std::string name;
  std::string result;     ///< Type and shape.
  int64_t macs = 0;       ///< As of the kernel.
  int64_t computedIn = 0; ///< The layer whose phases compute it, too.
};

/// One kernel to measure.
struct BenchKernel {
  std::string op;
  /// Path of the shared object; "" if the kernel is linked in.
  std::string library;
  std::vector<Estimate> estimates;
  std::vector<std::string> schedules; ///< One per contraction.
  std::vector<std::string> phases;    ///< Names of the ops that they run.
  std::vector<BenchLayer> layers;     ///< None of an operator without layers.
  std::vector<int64_t> phaseLayers;   ///< Likewise; the layer of each phase.
  int64_t batch = 0; ///< Images in each input and output; 0 if they differ.
  std::vector<int64_t> sizes;       ///< Run-time sizes.
  std::vector<BenchTensor> tensors; ///< Inputs, then outputs.
  int64_t nominalMacs = 0;          ///< Reads outside count too.
  /// Without products whose operand lies outside its tensor; nothing if the
  /// subscripts are too entangled to tell.
  std::optional<int64_t> realMacs;
  /// What baselines compute; else why they cannot.
  std::optional<Problem> problem;
  std::string whyNoBaselines;
  /// The same operator with other schedules, measured in turn with it.
  std::vector<BenchKernel> others;
};

struct BenchJob {
  std::string target;
  std::string hostCpu; ///< LLVM's name of this CPU.
  /// "avx2": baselines keep to AVX2 as the kernels do; "": they use what is
  /// there.
  std::string baselineIsa;
  int threads = 1;
  int repetitions = 1;     ///< At least so many turns for each subject.
  double minSeconds = 0;   ///< At least so long for each kernel.
  bool fromMemory = false; ///< Also with packed inputs that are in no cache.
  std::vector<BenchKernel> kernels;
};

/// The text of a job file.
std::string jobText(const BenchJob &job);
/// Reads a job file.
Result<BenchJob> readJob(const std::string &path);
/// Reads the text of a job file; `name` is for messages.
Result<BenchJob> parseJobText(const std::string &text, const std::string &name);

} // namespace lpgen

#endif // LPGEN_WORKBENCH_MEASURE_JOB_H
