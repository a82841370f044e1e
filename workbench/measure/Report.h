// What was measured, as a table for people and as JSON for programs.
#ifndef LPGEN_WORKBENCH_MEASURE_REPORT_H
#define LPGEN_WORKBENCH_MEASURE_REPORT_H

#include "workbench/measure/Bandwidth.h"
#include "workbench/measure/Job.h"
#include "workbench/measure/Measure.h"
#include <optional>
#include <string>
#include <vector>

namespace lpgen {

/// How a baseline's sums compare with ours on the same operands.
enum class Agreement {
  NotCompared, ///< Not both write the plain sums.
  Equal,
  Saturated, ///< They differ and the baseline is known to saturate.
  Rounded,   ///< They differ and the baseline adds up in float32.
};

struct BaselineReport {
  Measurement measurement;
  Agreement agreement = Agreement::NotCompared;
  std::string implementation; ///< Which of its kernels the baseline used.
};

/// The kernel with packed inputs from memory beside plain reads of the same
/// bytes.
struct MemoryReport {
  Measurement ours;
  Measurement read;
  int64_t copyBytes = 0; ///< Of the packed inputs, what each execution reads.
  int copies = 0;        ///< That both go round.

  /// Bytes a second in the fastest execution, without packing of activations.
  double rate(const Measurement &measurement) const {
    return double(copyBytes) / measurement.compute.minSeconds;
  }
  /// The kernel's rate over that of the read.
  double ratio() const { return rate(ours) / rate(read); }
};

struct KernelReport {
  const BenchKernel *kernel = nullptr;
  std::string symbol;
  Measurement ours;
  std::vector<BaselineReport> baselines;
  std::optional<MemoryReport> fromMemory; ///< If it was asked for.
  /// Of all operands and results in the form in which the kernel takes them.
  int64_t bytes = 0;
  std::vector<std::string>
      notes; ///< Baselines that did not take part, and why.

  /// What MAC/cycle and GOP/s count: products of elements inside their tensors
  /// where that number is known.
  int64_t macs() const {
    return kernel->realMacs.value_or(kernel->nominalMacs);
  }
};

/// What one layer of a network took in the fastest execution.
struct LayerTime {
  double seconds = 0;
  double share = 0; ///< Of all layers.
  int64_t macs = 0; ///< Of what its phases compute.
  std::optional<double> macsPerCycle;
};

/// For each layer of the kernel its time; none without layers.
std::vector<LayerTime> layerTimes(const KernelReport &report);

/// The table, with geometric means if there are several kernels.
std::string formatText(const BenchJob &job,
                       const std::vector<KernelReport> &reports);

/// All of it, indented, with the machine's bandwidths.
std::string formatJson(const BenchJob &job,
                       const std::vector<KernelReport> &reports,
                       const std::vector<Bandwidth> &bandwidths);

} // namespace lpgen

#endif // LPGEN_WORKBENCH_MEASURE_REPORT_H
