// Geometric means over the kernels of a report.
#ifndef LPGEN_WORKBENCH_MEASURE_MEANS_H
#define LPGEN_WORKBENCH_MEASURE_MEANS_H

#include "workbench/measure/Report.h"
#include <optional>
#include <string>
#include <vector>

namespace lpgen {

/// One line of the summary; what is missing in some kernel is missing here.
struct Mean {
  std::string name;
  std::optional<double> macsPerCycle;
  double gigaOps = 0;
  /// How many times as long as lpgen's compute this takes; 1 for that itself.
  double ratio = 1;
  double medianRatio = 1;
};

/// lpgen without and (if some kernel packs) with packing, then the baselines
/// that took part in every kernel. Kernels without multiply-accumulates are
/// left out.
std::vector<Mean> geometricMeans(const std::vector<KernelReport> &all);

/// Multiply-accumulates per core cycle in the fastest execution; nothing if
/// there are none.
std::optional<double> macsPerCycle(int64_t macs, const Timing &timing);
/// 1e9 operations per second, two for each multiply-accumulate; nothing if
/// there are none.
std::optional<double> gigaOps(int64_t macs, const Timing &timing);

} // namespace lpgen

#endif // LPGEN_WORKBENCH_MEASURE_MEANS_H
