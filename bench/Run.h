// One kernel of a job, from the shared object to its report.
#ifndef LPGEN_BENCH_RUN_H
#define LPGEN_BENCH_RUN_H

#include "bench/Job.h"
#include "bench/Report.h"
#include "runtime/core/Status.h"
#include "runtime/core/ThreadPool.h"

namespace lpgen {

/// Loads the kernel, makes inputs and peers, compares results where both sides
/// write the same sums, and measures. `kernel` must outlive the report. An
/// exact peer with another result is an error.
Result<KernelReport> runKernel(const BenchJob &job, const BenchKernel &kernel,
                               ThreadPool *pool);

} // namespace lpgen

#endif // LPGEN_BENCH_RUN_H
