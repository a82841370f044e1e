// How fast this machine reads memory: the slanted lines of a roofline.
#ifndef LPGEN_WORKBENCH_MEASURE_BANDWIDTH_H
#define LPGEN_WORKBENCH_MEASURE_BANDWIDTH_H

#include "base/system/Status.h"
#include "base/system/ThreadPool.h"
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace lpgen {

/// Reading from one level of the memory hierarchy.
struct Bandwidth {
  std::string level;    ///< "L1", "L2", ..., "DRAM".
  int64_t bytes = 0;    ///< What was read again and again, by each thread.
  double perSecond = 0; ///< Bytes a second, all threads together.
  /// Likewise a cycle; nothing where the frequency cannot be measured.
  std::optional<double> perCycle;
};

/// Reads `bytes` bytes at `data`, aligned to 32 bytes, as fast as plain vector
/// loads do; what is left of the last 256 bytes is not read.
void readPlain(const void *data, int64_t bytes);

/// Four times the last cache: data of so many bytes, read round and round, come
/// from memory. 0 if the system describes no cache.
int64_t bytesBeyondCaches();

/// Plain reads of half of each cache that the system describes, and of memory
/// beyond four times the last one. One entry for each, fastest of several; none
/// if the system describes no cache. `pool` may be null: one thread.
Result<std::vector<Bandwidth>> measureBandwidths(ThreadPool *pool);

} // namespace lpgen

#endif // LPGEN_WORKBENCH_MEASURE_BANDWIDTH_H
