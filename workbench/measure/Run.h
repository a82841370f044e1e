// One kernel of a job, from the shared object to its report.
#ifndef LPGEN_WORKBENCH_MEASURE_RUN_H
#define LPGEN_WORKBENCH_MEASURE_RUN_H

#include "base/system/Status.h"
#include "base/system/ThreadPool.h"
#include "workbench/measure/Job.h"
#include "workbench/measure/Report.h"

namespace lpgen {

/// Loads the kernel, makes inputs and baselines, compares results where both
/// sides write the same sums, and measures. `kernel` must outlive the report.
/// An exact baseline with another result is an error.
Result<KernelReport> runKernel(const BenchJob &job, const BenchKernel &kernel,
                               ThreadPool *pool);

} // namespace lpgen

#endif // LPGEN_WORKBENCH_MEASURE_RUN_H
