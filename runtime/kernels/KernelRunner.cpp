// Running a kernel by the rules of lp_kernel.h: pack, allocate, and phase by
// phase.
#include "runtime/kernels/KernelRunner.h"
#include "base/abi/CpuFeatures.h"
#include <atomic>
#include <new>

namespace lpgen {

std::string describeKernelStatus(int status) {
  switch (status) {
  case LP_OK:
    return "success";
  case LP_ERROR_NULL:
    return "a required pointer is null (status 1)";
  case LP_ERROR_ALIGNMENT:
    return "a pointer is not aligned: logical tensors to their element, "
           "workspace, scratch and packed buffers to " +
           std::to_string(LP_ALIGNMENT) + " bytes (status 2)";
  case LP_ERROR_ALIAS:
    return "an output overlaps another buffer or the workspace (status 3)";
  case LP_ERROR_SHAPE:
    return "a run-time size is negative or above its bound, or elements of a "
           "view share places (status 4)";
  case LP_ERROR_LAYOUT:
    return "a packed buffer was not packed for this kernel (status 5)";
  case LP_ERROR_CPU:
    return "this CPU lacks features that the kernel needs (status 6)";
  case LP_ERROR_PHASE:
    return "a phase, task range or buffer number is out of range (status 7)";
  default:
    return "unknown status " + std::to_string(status);
  }
}

std::string describeCpuFeatures(uint64_t features) {
  std::string text;
  const auto add = [&](uint64_t bit, const char *name) {
    if ((features & bit) != 0) {
      text += (text.empty() ? "" : ", ") + std::string(name);
    }
  };
#define LP_CPU_FEATURE(name, bit) add(uint64_t{1} << (bit), #name);
#include "base/abi/lp_cpu_features.def"
#undef LP_CPU_FEATURE
  return text.empty() ? "none" : text;
}

static_assert(AlignedBytes::alignment >= LP_ALIGNMENT);

Result<KernelRunner> KernelRunner::create(const lp_kernel &kernel,
                                          ThreadPool *pool) {
  // Nothing behind the version may be read before it is known to be ours.
  if (kernel.abi_version != LP_ABI_VERSION) {
    return Status::error(
        "the kernel has ABI version " + std::to_string(kernel.abi_version) +
        ", this program runs version " + std::to_string(LP_ABI_VERSION) +
        ": compile the kernel again with a matching lpgen");
  }
  KernelRunner runner(kernel, pool, lp_cpu_features());
  const uint64_t missing = kernel.cpu_features & ~runner.cpuFeatures;
  if (missing != 0) {
    return runner.failure("this CPU lacks " + describeCpuFeatures(missing) +
                          ": compile the operator for another target");
  }
  return runner;
}

Status KernelRunner::failure(const std::string &what) const {
  return Status::error("kernel '" + std::string(descriptor->symbol) +
                       "': " + what);
}

Status KernelRunner::checkCounts(size_t buffers, size_t sizes) const {
  if (buffers != size_t(descriptor->num_buffers)) {
    return failure("expected " + std::to_string(descriptor->num_buffers) +
                   " buffers, found " + std::to_string(buffers));
  }
  if (sizes != size_t(descriptor->num_sizes)) {
    return failure("expected " + std::to_string(descriptor->num_sizes) +
                   " run-time sizes, found " + std::to_string(sizes));
  }
  return Status::success();
}

bool KernelRunner::isPacked(int buffer, std::span<const int64_t> sizes) const {
  return descriptor->packed_size(buffer, sizes.data()) != 0;
}

Result<AlignedBytes> KernelRunner::pack(int buffer,
                                        std::span<const int64_t> sizes,
                                        const void *logical) const {
  AlignedBytes packed;
  LPGEN_RETURN_IF_ERROR(packInto(buffer, sizes, logical, packed));
  return packed;
}

Status KernelRunner::packInto(int buffer, std::span<const int64_t> sizes,
                              const void *logical, AlignedBytes &packed) const {
  LPGEN_RETURN_IF_ERROR(
      checkCounts(size_t(descriptor->num_buffers), sizes.size()));
  const int64_t bytes = descriptor->packed_size(buffer, sizes.data());
  if (bytes <= 0) {
    return failure("buffer " + std::to_string(buffer) +
                   " has no packed form for these sizes");
  }
  if (packed.size() != bytes) {
    Result<AlignedBytes> made = AlignedBytes::create(bytes);
    if (!made.ok()) {
      return failure(made.message());
    }
    packed = std::move(*made);
  }
  const int status =
      descriptor->pack(buffer, sizes.data(), logical, packed.data());
  if (status != LP_OK) {
    return failure("packing buffer " + std::to_string(buffer) + ": " +
                   describeKernelStatus(status));
  }
  return Status::success();
}

Status KernelRunner::prepareMemory(std::span<const int64_t> sizes) {
  const int64_t workspaceBytes = descriptor->workspace_size(sizes.data());
  if (workspaceBytes < 0) {
    return failure(describeKernelStatus(LP_ERROR_SHAPE));
  }
  if (workspace.size() < workspaceBytes) {
    Result<AlignedBytes> bytes = AlignedBytes::create(workspaceBytes);
    if (!bytes.ok()) {
      return failure("workspace: " + bytes.message());
    }
    workspace = std::move(*bytes);
  }
  const size_t workers = pool ? size_t(pool->numWorkers()) : 1;
  while (scratch.size() < workers) {
    Result<AlignedBytes> bytes =
        AlignedBytes::create(descriptor->scratch_size());
    if (!bytes.ok()) {
      return failure("scratch: " + bytes.message());
    }
    scratch.push_back(std::move(*bytes));
  }
  return Status::success();
}

namespace {
/// What one run knows while its phases are run.
struct Execution {
  ThreadPool *pool;
  std::vector<AlignedBytes> &scratch;
  const KernelRunner::PhaseObserver &observer;
  int phases = 0; ///< That are done.
};
} // namespace

/// An lp_run_phase by the workers of a pool.
static int runPhase(void *context, const lp_kernel *kernel, const lp_args *args,
                    int phase, int64_t tasks) {
  auto &execution = *static_cast<Execution *>(context);
  std::atomic<int> status = LP_OK;
  const auto work = [&](int worker, TaskRange range) {
    const int result = lp_run_tasks(kernel, args, phase, range.begin, range.end,
                                    execution.scratch[size_t(worker)].data());
    if (result != LP_OK) {
      status.store(result, std::memory_order_relaxed);
    }
  };
  if (execution.pool) {
    execution.pool->run(tasks, work);
  } else {
    work(0, {0, tasks});
  }
  if (status == LP_OK) {
    ++execution.phases;
    if (execution.observer) {
      execution.observer(phase);
    }
  }
  return status;
}

Status KernelRunner::run(std::span<void *const> buffers,
                         std::span<const int64_t> sizes,
                         const PhaseObserver &observer) {
  LPGEN_RETURN_IF_ERROR(checkCounts(buffers.size(), sizes.size()));
  LPGEN_RETURN_IF_ERROR(prepareMemory(sizes));
  lp_args args = {};
  args.buffers = buffers.data();
  args.sizes = sizes.data();
  args.workspace = workspace.data();
  args.cpu_features = cpuFeatures;
  Execution execution = {pool, scratch, observer};
  const int status = lp_run_with(descriptor, &args, runPhase, &execution);
  if (status != LP_OK) {
    return failure("phase " + std::to_string(execution.phases) + ": " +
                   describeKernelStatus(status));
  }
  return Status::success();
}

Status KernelRunner::runLogical(std::span<const HostTensor *const> inputs,
                                std::span<HostTensor *const> outputs,
                                std::span<const int64_t> sizes) {
  LPGEN_RETURN_IF_ERROR(
      checkCounts(inputs.size() + outputs.size(), sizes.size()));
  std::vector<void *> buffers;
  std::vector<AlignedBytes> packed;
  for (const HostTensor *input : inputs) {
    const int buffer = int(buffers.size());
    // The interface has one array for inputs and outputs; kernels only read
    // inputs.
    buffers.push_back(const_cast<void *>(input->data()));
    if (isPacked(buffer, sizes)) {
      Result<AlignedBytes> bytes = pack(buffer, sizes, input->data());
      LPGEN_RETURN_IF_ERROR(bytes.status());
      packed.push_back(std::move(*bytes));
      buffers.back() = packed.back().data();
    }
  }
  for (HostTensor *output : outputs) {
    if (isPacked(int(buffers.size()), sizes)) {
      return failure("output " + std::to_string(buffers.size()) +
                     " is written packed; this caller wants it logical");
    }
    buffers.push_back(output->data());
  }
  return run(buffers, sizes);
}

} // namespace lpgen
