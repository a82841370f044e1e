// A kernel whose packed inputs are in no cache: it takes them in turn from so
// many copies that each one has left the caches when it comes round again. The
// weights of a large network are found so at every layer.
#ifndef LPGEN_WORKBENCH_MEASURE_FROMMEMORY_H
#define LPGEN_WORKBENCH_MEASURE_FROMMEMORY_H

#include "workbench/measure/Measure.h"
#include "workbench/measure/TimedKernel.h"
#include <vector>

namespace lpgen {

class FromMemory {
public:
  /// Copies the packed inputs of `kernel` until they fill four times the last
  /// cache. `kernel` and `pool` (null for one thread) must outlive the result.
  /// An error if `kernel` has no packed input, or the system describes no
  /// cache.
  static Result<FromMemory> create(TimedKernel &kernel, ThreadPool *pool);

  /// One execution of the kernel on the next copy.
  Result<Duration> runKernel();
  /// A plain read of the next copy.
  Result<Duration> readPlainly();

  int copies() const { return int(copiesOfInputs.size()); }
  /// Bytes of one copy: what an execution reads.
  int64_t copyBytes() const { return bytes; }

private:
  using Copy = std::vector<AlignedBytes>; ///< By packed input.

  FromMemory(TimedKernel &kernel, ThreadPool *pool)
      : kernel(&kernel), pool(pool) {}
  const Copy &nextCopy();

  TimedKernel *kernel;
  ThreadPool *pool;
  std::vector<Copy> copiesOfInputs;
  int64_t bytes = 0;
  size_t next = 0;
};

} // namespace lpgen

#endif // LPGEN_WORKBENCH_MEASURE_FROMMEMORY_H
