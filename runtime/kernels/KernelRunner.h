// Runs one generated kernel in this process: checks that it may run here, packs
// buffers, owns workspace and scratch, and runs the phases on a thread pool.
//
// Below it stands the C interface (base/abi/lp_kernel.h); above it the
// training runtime and the benchmarks. Where the descriptor comes from (linked
// in, or a SharedKernel) does not matter here.
#ifndef LPGEN_RUNTIME_KERNELS_KERNELRUNNER_H
#define LPGEN_RUNTIME_KERNELS_KERNELRUNNER_H

#include "base/abi/lp_kernel.h"
#include "base/system/Status.h"
#include "base/system/ThreadPool.h"
#include "base/tensor/AlignedBytes.h"
#include "base/tensor/Tensor.h"
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace lpgen {

/// What an lp_status means, for messages; also for numbers that are none.
std::string describeKernelStatus(int status);

/// The names of the LP_CPU_* bits set in `features`, "AVX2, FMA"; "none" for 0.
std::string describeCpuFeatures(uint64_t features);

/// A kernel ready to run. Copies nothing of the descriptor, which must outlive
/// it. One call at a time; several runners of one kernel may run at once.
class KernelRunner {
public:
  /// Refuses a kernel of another ABI version or for another CPU. `pool` may be
  /// null: then the calling thread does all the work.
  static Result<KernelRunner> create(const lp_kernel &kernel,
                                     ThreadPool *pool = nullptr);

  const lp_kernel &kernel() const { return *descriptor; }

  /// True if the kernel wants buffer `buffer` packed.
  bool isPacked(int buffer, std::span<const int64_t> sizes) const;
  /// Packs a logical input, once for any number of runs.
  Result<AlignedBytes> pack(int buffer, std::span<const int64_t> sizes,
                            const void *logical) const;

  /// The same into `packed`, whose memory is kept if it is of the right size.
  Status packInto(int buffer, std::span<const int64_t> sizes,
                  const void *logical, AlignedBytes &packed) const;

  /// Called when a phase is done.
  using PhaseObserver = std::function<void(int phase)>;

  /// Runs all phases on buffers in declared order, those that want it packed.
  Status run(std::span<void *const> buffers, std::span<const int64_t> sizes,
             const PhaseObserver &observer = nullptr);

  /// Packs what wants packing and runs: logical tensors in, logical tensors
  /// out. `outputs` are already of the right shape.
  Status runLogical(std::span<const HostTensor *const> inputs,
                    std::span<HostTensor *const> outputs,
                    std::span<const int64_t> sizes);

private:
  KernelRunner(const lp_kernel &kernel, ThreadPool *pool, uint64_t cpuFeatures)
      : descriptor(&kernel), pool(pool), cpuFeatures(cpuFeatures) {}
  Status checkCounts(size_t buffers, size_t sizes) const;
  Status prepareMemory(std::span<const int64_t> sizes);
  Status failure(const std::string &what) const;

  const lp_kernel *descriptor;
  ThreadPool *pool;
  uint64_t cpuFeatures; ///< Of this CPU; asking it takes long under some VMs.
  AlignedBytes workspace;
  std::vector<AlignedBytes> scratch; ///< One per worker.
};

} // namespace lpgen

#endif // LPGEN_RUNTIME_KERNELS_KERNELRUNNER_H
