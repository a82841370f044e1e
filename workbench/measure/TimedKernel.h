// A generated kernel under the stopwatch: runs phase by phase, so that packing
// of activations is told apart from the rest.
#ifndef LPGEN_WORKBENCH_MEASURE_TIMEDKERNEL_H
#define LPGEN_WORKBENCH_MEASURE_TIMEDKERNEL_H

#include "base/system/ThreadPool.h"
#include "base/tensor/Tensor.h"
#include "runtime/kernels/KernelRunner.h"
#include "runtime/kernels/SharedKernel.h"
#include "workbench/measure/Job.h"
#include "workbench/measure/Measure.h"
#include <optional>
#include <vector>

namespace lpgen {

class TimedKernel {
public:
  /// Loads the kernel, packs the inputs that it takes packed, and runs it once.
  /// `tensors` are the logical arguments; they and `pool` (null for one thread)
  /// must outlive the result.
  static Result<TimedKernel> create(const BenchKernel &description,
                                    std::vector<HostTensor> &tensors,
                                    ThreadPool *pool);

  const char *symbol() const { return library.kernel().symbol; }
  /// False if an output is written packed and no tensor holds it.
  bool writesLogical(size_t tensor) const {
    return buffers[tensor] == logical[tensor] || isView(tensor);
  }
  /// Bytes of all buffers in the form in which the kernel takes them.
  int64_t bufferBytes() const { return totalBytes; }
  /// One execution; its duration, and how much of that went into packing.
  Result<Duration> run();

  /// An input that the kernel takes packed, as it was packed.
  struct PackedInput {
    size_t tensor;
    AlignedBytes bytes;
  };
  const std::vector<PackedInput> &packedInputs() const { return packed; }
  /// One execution on copies of the packed inputs, in their order.
  Result<Duration> runWith(const std::vector<const void *> &copies);

private:
  explicit TimedKernel(SharedKernel library) : library(std::move(library)) {}
  Status prepare(const BenchKernel &description,
                 std::vector<HostTensor> &tensors);
  bool isView(size_t tensor) const { return views[tensor].size() > 0; }

  SharedKernel library;
  std::optional<KernelRunner> runner; ///< Of a kernel of the library.
  std::vector<bool> isPacking;        ///< By phase.
  std::vector<int64_t> phaseLayers;   ///< By phase, if there are layers.
  size_t numLayers = 0;
  std::vector<int64_t> sizes;
  std::vector<void *> logical; ///< By tensor.
  std::vector<void *> buffers; ///< By tensor; what the kernel gets.
  /// By tensor; those that an operator reads or writes with strides of its own,
  /// with them.
  std::vector<AlignedBytes> views;
  std::vector<PackedInput> packed;
  std::vector<AlignedBytes> packedOutputs;
  int64_t totalBytes = 0;
};

} // namespace lpgen

#endif // LPGEN_WORKBENCH_MEASURE_TIMEDKERNEL_H
