// Running a kernel phase by phase with a stopwatch.
#include "workbench/measure/TimedKernel.h"
#include "base/abi/CpuFeatures.h"
#include "workbench/measure/Clock.h"
#include <atomic>

namespace lpgen {

Result<TimedKernel> TimedKernel::create(const BenchKernel &description,
                                        std::vector<HostTensor> &tensors,
                                        ThreadPool *pool) {
  Result<SharedKernel> library =
      SharedKernel::load(description.library, description.op);
  LPGEN_RETURN_IF_ERROR(library.status());
  // The runner checks version and CPU, and packs; phases are run here.
  TimedKernel timed(std::move(*library));
  timed.pool = pool;
  LPGEN_RETURN_IF_ERROR(timed.prepare(description, tensors));
  LPGEN_RETURN_IF_ERROR(timed.allocate());
  LPGEN_RETURN_IF_ERROR(timed.run().status());
  return timed;
}

Status TimedKernel::prepare(const BenchKernel &description,
                            std::vector<HostTensor> &tensors) {
  const lp_kernel &kernel = library.kernel();
  const Result<KernelRunner> runner = KernelRunner::create(kernel, pool);
  LPGEN_RETURN_IF_ERROR(runner.status());
  if (size_t(kernel.num_buffers) != tensors.size() ||
      size_t(kernel.num_sizes) != description.sizes.size() ||
      size_t(kernel.num_phases) != description.phases.size()) {
    return Status::error("kernel '" + std::string(kernel.symbol) +
                         "' does not match its job: numbers of buffers, sizes "
                         "or phases differ");
  }
  sizes = description.sizes;
  for (const std::string &phase : description.phases) {
    isPacking.push_back(phase == "lp.pack");
  }
  for (size_t i = 0; i < tensors.size(); ++i) {
    logical.push_back(tensors[i].data());
    buffers.push_back(tensors[i].data());
    if (!runner->isPacked(int(i), sizes)) {
      totalBytes += tensors[i].byteSize();
      continue;
    }
    Result<AlignedBytes> bytes =
        description.tensors[i].isInput
            ? runner->pack(int(i), sizes, tensors[i].data())
            : AlignedBytes::create(kernel.packed_size(int(i), sizes.data()));
    LPGEN_RETURN_IF_ERROR(bytes.status());
    totalBytes += bytes->size();
    buffers.back() = bytes->data();
    if (description.tensors[i].isInput) {
      packed.push_back({i, std::move(*bytes)});
    } else {
      packedOutputs.push_back(std::move(*bytes));
    }
  }
  return Status::success();
}

Status TimedKernel::allocate() {
  const lp_kernel &kernel = library.kernel();
  Result<AlignedBytes> shared =
      AlignedBytes::create(kernel.workspace_size(sizes.data()));
  LPGEN_RETURN_IF_ERROR(shared.status());
  workspace = std::move(*shared);
  const int workers = pool ? pool->numWorkers() : 1;
  for (int worker = 0; worker < workers; ++worker) {
    Result<AlignedBytes> own = AlignedBytes::create(kernel.scratch_size());
    LPGEN_RETURN_IF_ERROR(own.status());
    scratch.push_back(std::move(*own));
  }
  return Status::success();
}

Status TimedKernel::runPhase(const lp_args &args, int phase) {
  const lp_kernel &kernel = library.kernel();
  const int64_t tasks = kernel.tasks(&args, phase);
  std::atomic<int> status = tasks < 0 ? LP_ERROR_SHAPE : LP_OK;
  const auto work = [&](int worker, TaskRange range) {
    const int result = kernel.run(&args, phase, range.begin, range.end,
                                  scratch[size_t(worker)].data());
    if (result != LP_OK) {
      status.store(result, std::memory_order_relaxed);
    }
  };
  if (pool) {
    pool->run(tasks, work);
  } else {
    work(0, {0, tasks});
  }
  return status == LP_OK
             ? Status::success()
             : Status::error("kernel '" + std::string(kernel.symbol) +
                             "': " + describeKernelStatus(status));
}

Result<Duration> TimedKernel::runWith(const std::vector<const void *> &copies) {
  // The interface of kernels has no const; inputs are not written.
  for (size_t i = 0; i < packed.size(); ++i) {
    buffers[packed[i].tensor] = const_cast<void *>(copies[i]);
  }
  Result<Duration> duration = run();
  for (PackedInput &input : packed) {
    buffers[input.tensor] = input.bytes.data();
  }
  return duration;
}

Result<Duration> TimedKernel::run() {
  lp_args args = {};
  args.buffers = buffers.data();
  args.sizes = sizes.data();
  args.workspace = workspace.data();
  args.cpu_features = lp_cpu_features();
  Duration duration;
  double last = secondsNow();
  for (int phase = 0; phase < library.kernel().num_phases; ++phase) {
    LPGEN_RETURN_IF_ERROR(runPhase(args, phase));
    const double now = secondsNow();
    (isPacking[size_t(phase)] ? duration.packing : duration.compute) +=
        now - last;
    last = now;
  }
  return duration;
}

} // namespace lpgen
